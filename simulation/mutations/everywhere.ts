/** Scenarios in which nearly everything happens. */
export const everywhere = ['small', 'payments', 'swarm'];
