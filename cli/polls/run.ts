import pLimit from 'p-limit';
import type { Poll } from '../../lambdas/model/job.ts';
import type { Context } from '../context.ts';
import type { Opened } from '../deployed/index.ts';
import { CliError } from '../errors.ts';
import { type Purpose, startPoll } from './start.ts';
import { type WatchedPoll, watchPoll } from './watch.ts';

/** New accounts have a quota of ten concurrent invocations for all functions. */
const POLLS_AT_ONCE = 3;

/** A poll that was started, or why it was not. */
export type StartedPoll =
  | { readonly rule: string; readonly poll: Poll }
  | { readonly rule: string; readonly problem: string };

/** Starts polls, a few in parallel. A failed one does not delay the others. */
export async function startPolls(
  { clients, screen }: Context,
  { deployment }: Opened,
  rules: readonly string[],
  purpose: Purpose,
): Promise<StartedPoll[]> {
  return screen.progress(`polling ${rules.length} rules`, async (say) => {
    let done = 0;
    return pLimit(POLLS_AT_ONCE).map(rules, async (rule): Promise<StartedPoll> => {
      try {
        return { rule, poll: await startPoll(clients, deployment, rule, purpose) };
      } catch (error) {
        if (error instanceof CliError) return { rule, problem: error.message };
        throw error;
      } finally {
        done += 1;
        say(`polling: ${done} of ${rules.length} rules`);
      }
    });
  });
}

/** Waits for the outcomes of polls. */
export async function watchPolls(
  { screen }: Context,
  opened: Opened,
  polls: readonly Poll[],
  until: number,
): Promise<WatchedPoll[]> {
  return screen.progress('waiting for outcomes', async (say) => {
    const seen = new Map<string, readonly [number, number]>();
    return Promise.all(
      polls.map((poll) =>
        watchPoll(opened, poll, {
          until,
          say: (done, of) => {
            seen.set(poll.rule, [done, of]);
            const all = [...seen.values()].reduce(([one, other], [a, b]) => [one + a, other + b], [0, 0]);
            say(`waiting for outcomes: ${all[0]} of ${all[1]}`);
          },
        }),
      ),
    );
  });
}
