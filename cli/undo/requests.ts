import { MOST_UNDONE } from '../../lambdas/model/requests.ts';
import type { UndoableFix } from './fixes.ts';

/** The fixes of one request: of one account and region, newest first, with all selected fixes of each changed resource. */
export interface RequestedFixes {
  readonly account: string;
  readonly region: string;
  readonly fixes: readonly UndoableFix[];
}

/** Distributes fixes, newest first, to requests. */
export function requestsOf(fixes: readonly UndoableFix[]): RequestedFixes[] {
  return byPlace(fixes).flatMap((ofPlace) => {
    const [{ account, region }] = ofPlace;
    return packed(connected(ofPlace)).map((each) => ({ account, region, fixes: inOrder(each, fixes) }));
  });
}

/** Groups values by account and region, and keeps their order. */
export function byPlace<T extends { readonly account: string; readonly region: string }>(
  values: readonly T[],
): [T, ...T[]][] {
  const places = new Map<string, [T, ...T[]]>();
  for (const value of values) {
    const place = `${value.account} ${value.region}`;
    const others = places.get(place);
    if (others === undefined) places.set(place, [value]);
    else others.push(value);
  }
  return [...places.values()];
}

/** Groups fixes that share a changed resource, directly or through other fixes. */
function connected(fixes: readonly UndoableFix[]): UndoableFix[][] {
  let groups: { readonly fixes: UndoableFix[]; readonly resources: Set<string> }[] = [];
  for (const fix of fixes) {
    const touching = groups.filter(({ resources }) => fix.resources.some((each) => resources.has(each)));
    const joined = {
      fixes: [...touching.flatMap((group) => group.fixes), fix],
      resources: new Set([...touching.flatMap(({ resources }) => [...resources]), ...fix.resources]),
    };
    groups = [...groups.filter((group) => !touching.includes(group)), joined];
  }
  return groups.map((group) => group.fixes);
}

/** Fills requests with groups. A group that is too large for one request is split, with its newest fixes in the first part. */
function packed(groups: readonly UndoableFix[][]): UndoableFix[][] {
  const requests: UndoableFix[][] = [];
  let open: UndoableFix[] = [];
  for (const group of groups) {
    if (open.length > 0 && open.length + group.length > MOST_UNDONE) {
      requests.push(open);
      open = [];
    }
    open.push(...group);
    while (open.length > MOST_UNDONE) requests.push(open.splice(0, MOST_UNDONE));
  }
  if (open.length > 0) requests.push(open);
  return requests;
}

function inOrder(some: readonly UndoableFix[], all: readonly UndoableFix[]): UndoableFix[] {
  return all.filter((fix) => some.includes(fix));
}
