import type { AwsModel } from '../../lab/aws-model/model.ts';
import { type Transition, transitionsOf } from './items.ts';

/** Lists contents that some changes removed and added, as texts. */
export function contentsOf(changes: readonly Transition[]): string[] {
  // A restored rule has another id, and log data is kept.
  const isKept = ({ item }: Transition): boolean => /^(log group|retention|execution) /.test(item);
  const nameOf = ({ item }: Transition): string => (item.startsWith('rule ') ? 'rule' : item);
  const gone = changes.flatMap((each) => (each.before === null ? [] : `${nameOf(each)} ${each.before}`));
  const there = changes.flatMap((each) =>
    each.after === null || isKept(each) ? [] : `${nameOf(each)} ${each.after}`,
  );
  return [
    ...gone.filter((text) => !there.includes(text)).map((text) => `- ${text}`),
    ...there.filter((text) => !gone.includes(text)).map((text) => `+ ${text}`),
  ];
}

/** Lists what an undo has not restored: contents that exist now and did not before, or the other way round. */
export function notRestored(initial: AwsModel['state'], now: AwsModel['state']): string[] {
  return contentsOf(transitionsOf(initial, now));
}
