import type { UndoRequest } from '../../../lambdas/model/requests.ts';
import { type UndoableFix, unconfirmedOf } from '../../undo/fixes.ts';
import type { RequestedFixes } from '../../undo/requests.ts';
import type { Awaited, Submitted } from '../../undo/submit.ts';
import type { HeldResources } from './hold-all.ts';
import type { Undone, UndoneFix } from './result.ts';

/** Explains an error in one line. */
type Explain = (error: unknown) => string;

/** The results of each fix, in the order of the requests. */
export function resultOf(
  asked: readonly RequestedFixes[],
  { requests, error }: Awaited<UndoRequest>,
  holds: HeldResources,
  explain: Explain,
): Undone {
  return {
    requests: requests.map((each) => {
      const { name, request } = each;
      const { account, region } = request;
      return { ...name, account, region, problem: problemOf(each, explain) };
    }),
    ...heldOf(holds),
    fixes: asked.flatMap(({ account, fixes }, index) =>
      fixes.map((fix) => ({
        ...described(fix, account),
        ...endOf(fix, requests[index], error === undefined ? undefined : explain(error), explain),
      })),
    ),
  };
}

/** The result if no request was submitted. */
export function notSubmitted(asked: readonly RequestedFixes[], holds: HeldResources, reason: string): Undone {
  return {
    requests: [],
    ...heldOf(holds),
    fixes: asked.flatMap(({ account, fixes }) =>
      fixes.map((fix) => ({ ...described(fix, account), is: 'not submitted' as const, reason })),
    ),
  };
}

function heldOf({ held, heldBefore }: HeldResources): Pick<Undone, 'held' | 'held_before'> {
  return { held, held_before: heldBefore };
}

/** Says why a request did not arrive, or begins later; undefined if it arrived. */
function problemOf({ is, error }: Submitted<UndoRequest>, explain: Explain): string | undefined {
  if (is === 'submitted') return undefined;
  const words = {
    'not listed': 'submitted, but begins only after the jobs that were queued before it',
    'not woken': 'submitted, but the wake-up failed: it begins with the next job of the account',
    'not submitted': 'not submitted',
    'perhaps submitted':
      'perhaps submitted: AWS did not answer; if it was, it begins with the next job of the account',
  };
  return `${words[is]} (${explain(error)})`;
}

function described(undoable: UndoableFix, account: string): Omit<UndoneFix, 'is'> {
  const { fix, steps, outcome } = undoable;
  const { rule, region, resource, evidence: undoes } = fix;
  return {
    rule,
    account,
    region,
    resource,
    fixed_at: outcome.finishedAt,
    undoes,
    changes: steps.flatMap(({ inverse }) => inverse?.line ?? []),
    not_restored: [...steps.flatMap(({ leaves }) => leaves ?? []), ...unconfirmedOf(undoable)],
  };
}

/** @param unread the reason why not all results could be read */
function endOf(
  { fix: { rule, region, resource, evidence: undoes } }: UndoableFix,
  submitted: Submitted<UndoRequest> | undefined,
  unread: string | undefined,
  explain: Explain,
): Pick<UndoneFix, 'is' | 'reason' | 'evidence'> {
  const result = submitted?.result;
  const own = result?.results.find(
    (each) =>
      each.undoes === undoes && each.rule === rule && each.region === region && each.resource === resource,
  );
  if (own !== undefined) return { is: own.is, reason: own.reason, evidence: own.evidence };
  if (result?.state === 'refused') return { is: 'undo_refused', reason: result.reason };
  const isSent = submitted?.is !== 'not submitted' && submitted?.is !== 'perhaps submitted';
  if (unread !== undefined && isSent) {
    return { is: 'unknown', reason: `submitted, but its result could not be read: ${unread}` };
  }
  if (result !== undefined) {
    const reason =
      'begun, not finished: it is attempted again; after the last attempt, cspm-remediation redrive continues it';
    return { is: 'begun', reason };
  }
  const reason = submitted === undefined ? undefined : problemOf(submitted, explain);
  return { is: isSent ? 'not begun' : submitted.is, reason };
}
