/** `weir doctor`: whether a node can run where it is to run; and which rights it needs on a Kafka cluster. */
import type { Command } from 'commander';
import { WeirError } from '../errors/index.ts';
import { holdProcess, silentLogger, systemClock, systemRandom } from '../ports/index.ts';
import type { AclRole, Configuration, Finding } from '../worker/index.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { configurationOptions } from './offline.ts';
import { printJson } from './output.ts';

interface DoctorFlags extends ConfigurationFlags {
  readonly acl?: true;
  readonly principal: string;
  readonly role?: string | undefined;
}

export function doctorCommand(program: Command, { terminal, json, done }: CommandContext): void {
  configurationOptions(program.command('doctor'))
    .description('look at everything that a node stands on; exit code 1 when something has to be mended')
    .option('--acl', 'print the rights that it needs on the Kafka cluster, as commands of kafka-acls.sh')
    .option('--principal <name>', 'with --acl: who is to have them', 'User:weir')
    .option(
      '--role <role>',
      'with --acl: "all", "flow" or "rpc" for workers, "operator" for whoever runs doctor, log and reshard',
    )
    .action(async ({ acl, principal, role, ...flags }: DoctorFlags) => {
      const configuration = await readConfiguration(flags);
      // While it waits for brokers there is nothing else that keeps the process.
      const letGo = holdProcess();
      try {
        if (acl === true) await tellRights(configuration, { principal, role });
        else await tellFindings(configuration);
      } finally {
        letGo();
      }
    });

  async function tellRights(
    { kafka, data }: Configuration,
    { principal, role }: Pick<DoctorFlags, 'principal' | 'role'>,
  ): Promise<void> {
    if (kafka === undefined) throw new WeirError('WEIR_WORKERS_NEED_KAFKA', { data });
    const { aclCommands, kafkaNames } = await import('../worker/index.ts');
    const roles = await rolesOf(role);
    const names = await kafkaNames({ ...kafka, clock, logger, random: systemRandom() });
    const commands = Object.fromEntries(roles.map((one) => [one, aclCommands(one, { principal, ...names })]));
    if (json()) printJson(terminal, commands);
    else for (const one of roles) terminal.out(`# ${titles[one]}\n${commands[one]?.join('\n')}\n`);
  }

  async function tellFindings(configuration: Configuration): Promise<void> {
    const { checkup } = await import('../worker/index.ts');
    const findings: Finding[] = [];
    for await (const finding of checkup({ configuration, clock, logger })) {
      findings.push(finding);
      if (!json()) terminal.out(textOf(finding));
    }
    const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length;
    const [ok, warn, fail] = [count('ok'), count('warn'), count('fail')];
    if (fail > 0) done(exitCodes.failed);
    if (json()) printJson(terminal, { ok, warn, fail, findings });
    else terminal.out(`\n${ok} well, ${warn} to look at, ${fail} to mend.\n`);
  }
}

const clock = systemClock();
// What a logger would say is said by the findings.
const logger = silentLogger;

const titles: Readonly<Record<AclRole, string>> = {
  all: 'workers, which run every service',
  flow: 'workers that only run flows',
  rpc: 'workers that only answer clients',
  operator: 'whoever runs weir doctor, weir log and weir reshard',
};

async function rolesOf(role: string | undefined): Promise<readonly AclRole[]> {
  const { aclRoles } = await import('../worker/index.ts');
  if (role === undefined) return aclRoles;
  const known = aclRoles.find((one) => one === role);
  if (known !== undefined) return [known];
  const why = `there is no role "${role}": ${aclRoles.join(', ')}`;
  throw new WeirError('WEIR_CLI_USAGE', { why, help: 'weir doctor --help' });
}

/** Most names fit; a longer one pushes what it says. */
const checkWidth = 34;

function textOf({ check, state, says, code, cause, remedy }: Finding): string {
  const indent = ' '.repeat(6);
  const lines = [`${state.padEnd(4)}  ${check.padEnd(checkWidth)}  ${says}${code === undefined ? '' : ` (${code})`}`];
  if (cause !== undefined) lines.push(`${indent}cause: ${cause}`);
  if (remedy !== undefined) lines.push(`${indent}to do: ${remedy}`);
  return `${lines.join('\n')}\n`;
}
