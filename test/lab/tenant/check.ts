import pLimit from 'p-limit';
import { type Check, labRules, type Place, type RuleCode, type Verdict } from '../rules/index.ts';

/** The subject of a scan. */
export interface ScanTarget {
  /** `http://127.0.0.1:4566`: an AWS in which an access key of twelve digits is that account's root. */
  readonly endpoint: string;
  readonly accounts: readonly { readonly id: string; readonly name: string }[];
  /** Region codes. Buckets, too, are only checked in these regions. */
  readonly regions: readonly string[];
  /** Rules to check; by default all. */
  readonly rules?: readonly RuleCode[];
}

/** A verdict with its account. */
export interface AccountVerdict extends Verdict {
  readonly account: string;
}

/** Two rules on one kind of resource share a check. */
const checks: ReadonlySet<Check> = new Set(Object.values(labRules).map(({ check }) => check));

const CONCURRENT_CHECKS = 8;
/** Region for checks of a whole account: IAM requests are signed for it, and S3 lists the buckets of all regions there. */
const ACCOUNT_REGION = 'us-east-1';

/**
 * Judges the resources of accounts by the rules' wording, reading them directly from AWS. It shares nothing with the code
 * that remediates them, so that it notices that code's mistakes.
 * @param now the time by which the age of access keys is computed
 * @returns one verdict per resource and rule, in a fixed order
 * @throws an error that names what could not be read, and the account and region
 */
export async function check(target: ScanTarget, now: Date): Promise<AccountVerdict[]> {
  const { endpoint, accounts, regions, rules } = target;
  const isAsked = (rule: string): boolean => rules === undefined || rules.some((asked) => asked === rule);
  const limit = pLimit(CONCURRENT_CHECKS);
  const verdicts = await Promise.all(
    accounts.flatMap(({ id: account }) =>
      [...checks]
        .filter((one) => one.rules.some(isAsked))
        .flatMap((one) =>
          (one.wholeAccount === true ? [ACCOUNT_REGION] : regions).map((region) =>
            limit(() => runCheck(one, placeOf(endpoint, account, region), now)),
          ),
        ),
    ),
  );
  return verdicts
    .flat()
    .filter(({ rule, region }) => isAsked(rule) && (region === 'global' || regions.includes(region)));
}

async function runCheck(one: Check, place: Place, now: Date): Promise<AccountVerdict[]> {
  const { account, region } = place;
  try {
    return (await one.run(place, now)).map((verdict) => ({ ...verdict, account }));
  } catch (cause) {
    throw new Error(`the scan could not read ${one.reads} of account ${account} in ${region}`, { cause });
  }
}

function placeOf(endpoint: string, account: string, region: string): Place {
  return {
    account,
    region,
    settings: (clientRegion = region) => ({
      region: clientRegion,
      endpoint,
      credentials: { accessKeyId: account, secretAccessKey: 'test' },
      maxAttempts: 3,
    }),
  };
}
