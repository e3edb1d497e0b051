/** Which flows a question is about: those that fit it, and that whoever asks may read. */
import type { StatusRecord } from '../../persistence/index.ts';
import type { FlowQuery } from './protocol.ts';

export type MayRead = (record: StatusRecord) => boolean;

/** What a status says of itself is not looked at. @param mayRead asked once for each member and definition */
export function flowFilter(
  { member, flow }: Pick<FlowQuery, 'member' | 'flow'>,
  mayRead: MayRead,
): (record: StatusRecord) => boolean {
  const allowed = new Map<string, boolean>();
  return (record) => {
    if (flow !== undefined && record.flow !== flow) return false;
    if (member !== undefined && (record.memberName !== member.name || record.memberGroup !== member.group))
      return false;
    const scope = `${record.memberGroup}/${record.memberName}/${record.flow}`;
    const may = allowed.get(scope) ?? mayRead(record);
    allowed.set(scope, may);
    return may;
  };
}
