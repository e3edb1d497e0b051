/** Names that the flows of operators and their invariants share. */
export const jobName = 'operators.job';
export const partnerName = 'operators.partner';
