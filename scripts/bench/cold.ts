import { makeViolation, oldAccessKeys, type TestedRule } from '../../test/integration/harness/violations.ts';
import { labRuleIds } from '../../test/lab/rules/index.ts';
import { type BuiltFunction, invokeBuilt } from './built.ts';
import { type Deployed, nextMoment, REGION } from './deployed.ts';
import { Rounds } from './rounds.ts';

const PROCESSES = 5;

/** The first job of a new function: one finding, which it remediates. */
export interface Cold {
  readonly rule: string;
  readonly rounds: number;
  /** The processor's time, the median of some processes. */
  readonly cpuMilliseconds: number;
  /** Files of the function that were loaded. */
  readonly files: number;
}

/** Measures the built remediator in fresh processes. */
export async function measureCold(
  deployed: Deployed,
  built: BuiltFunction,
  say: (line: string) => void,
): Promise<Cold[]> {
  const measured: Cold[] = [];
  for (const rule of labRuleIds) {
    say(`one cold finding of ${rule}`);
    const first = await invokeCold(deployed, built, rule, true);
    const times = [first.cpuMilliseconds];
    for (let run = 1; run < PROCESSES; run += 1) {
      times.push((await invokeCold(deployed, built, rule, false)).cpuMilliseconds);
    }
    measured.push({
      rule,
      rounds: first.rounds,
      cpuMilliseconds: median(times),
      files: first.files,
    });
  }
  return measured;
}

async function invokeCold(
  { product, endpoint, proxy, account: freshAccount }: Deployed,
  built: BuiltFunction,
  rule: TestedRule,
  isCounted: boolean,
): Promise<{ readonly rounds: number; readonly cpuMilliseconds: number; readonly files: number }> {
  const account = freshAccount();
  const item = await makeViolation(endpoint, rule, account, REGION);
  const resource = item.resource_id;
  const aging = proxy.inject(oldAccessKeys);
  const region = item.region_name === 'global' ? 'global' : REGION;
  const job = {
    version: 1,
    poll: { source: 'netskope', rule, asOf: nextMoment() },
    account,
    region: REGION,
    chunk: 0,
    findings: [{ rule, account, region, resource }],
  };
  const event = {
    Records: [
      {
        messageId: 'first',
        receiptHandle: 'none',
        body: JSON.stringify(job),
        attributes: { ApproximateReceiveCount: '1', MessageGroupId: account },
        eventSource: 'aws:sqs',
        eventSourceARN: `arn:aws:sqs:${REGION}:${product.account}:${product.name}-jobs.fifo`,
        awsRegion: REGION,
      },
    ],
  };
  let measured = { cpuMilliseconds: 0, files: 0 };
  const invoke = async (): Promise<void> => {
    const { cpuMilliseconds, loaded } = await invokeBuilt(
      built,
      event,
      product.remediatorEnvironment(REGION),
    );
    measured = { cpuMilliseconds, files: loaded.length };
  };
  let rounds = 0;
  if (isCounted) rounds = (await new Rounds(proxy).during(invoke)).length;
  else await invoke();
  aging.remove();
  const [outcome] = await product.outcomes(rule, job.poll.asOf);
  if (outcome?.outcome !== 'remediated') throw new Error(`the built function did not remediate ${resource}`);
  return { rounds, ...measured };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
