import { makeViolation, oldAccessKeys, type TestedRule } from '../../test/integration/harness/violations.ts';
import { labRuleIds } from '../../test/lab/rules/index.ts';
import { type BuiltFunction, type BuiltInvocation, invokeBuilt } from './built.ts';
import { type Deployed, nextMoment, REGION } from './deployed.ts';
import { Rounds } from './rounds.ts';

/** The number of processes, of which the minimum CPU time is used, because other work on the machine only adds to it. */
const PROCESSES = 7;

/** The first job of a new function, which remediates one finding. */
export interface Cold {
  readonly rule: string;
  readonly rounds: number;
  /** The rounds, each as the number of its calls by operation. */
  readonly chain: readonly Readonly<Record<string, number>>[];
  /** The minimum CPU time of several processes. */
  readonly cpuMilliseconds: number;
  readonly megabytes: number;
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
    const chain = await chainOf(deployed, built, rule);
    const runs: BuiltInvocation[] = [];
    for (let run = 0; run < PROCESSES; run += 1) runs.push(await invokeCold(deployed, built, rule));
    measured.push({
      rule,
      rounds: chain.length,
      chain,
      cpuMilliseconds: Math.min(...runs.map((each) => each.cpuMilliseconds)),
      megabytes: Math.round(Math.max(...runs.map(({ maxRss }) => maxRss)) / 1e6),
    });
  }
  return measured;
}

/**
 * Counts the rounds of a cold function. Its clock is stopped meanwhile, because calls are delayed for longer than AWS takes, and
 * caches that last for seconds would expire.
 */
async function chainOf(deployed: Deployed, built: BuiltFunction, rule: TestedRule): Promise<Cold['chain']> {
  return new Rounds(deployed.proxy).during(async () => {
    await invokeCold(deployed, built, rule, { CLOCK: 'stands' });
  });
}

async function invokeCold(
  { product, endpoint, proxy, account: freshAccount }: Deployed,
  built: BuiltFunction,
  rule: TestedRule,
  variables: Readonly<Record<string, string>> = {},
): Promise<BuiltInvocation> {
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
    run: 'first',
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
  const environment = { ...product.remediatorEnvironment(REGION), ...variables };
  const invocation = await invokeBuilt(built, event, environment);
  aging.remove();
  const [outcome] = await product.outcomes(rule, job.poll.asOf);
  if (outcome?.outcome !== 'remediated') throw new Error(`the built function did not remediate ${resource}`);
  return invocation;
}
