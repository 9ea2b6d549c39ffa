import { accountIdSchema, regionSchema } from '../../lambdas/model/finding.ts';
import { factsOf, ruleIds } from '../../lambdas/rules/catalogue.ts';
import { CliError } from '../errors.ts';

/** The resource that a command is about, and its location, if known. */
export interface Subject {
  /** The id, as in findings. */
  readonly resource: string;
  /** The rules that may have findings for it. */
  readonly rules: readonly string[];
  readonly account: string | undefined;
  /** `global` for resources without a region. */
  readonly region: string | undefined;
}

/** Options in addition to the text, which take precedence over it. */
export interface Hints {
  readonly rule?: string | undefined;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
}

/** Resource types by their ARNs: https://docs.aws.amazon.com/service-authorization/latest/reference/ */
const kinds: readonly { readonly of: RegExp; readonly type: string; readonly region?: 'global' }[] = [
  { of: /^ec2:security-group\/(.+)$/, type: 'AWS::EC2::SecurityGroup' },
  { of: /^ec2:network-acl\/(.+)$/, type: 'AWS::EC2::NetworkAcl' },
  { of: /^ec2:vpc\/(.+)$/, type: 'AWS::EC2::VPC' },
  { of: /^s3:([^/]+)$/, type: 'AWS::S3::Bucket' },
  { of: /^rds:(?:db|cluster):(.+)$/, type: 'AWS::RDS::DBInstance' },
  { of: /^redshift:cluster:(.+)$/, type: 'AWS::Redshift::Cluster' },
  { of: /^iam:user\/(?:.*\/)?([^/]+)$/, type: 'AWS::IAM::User', region: 'global' },
];

/**
 * Parses what a command is about: an ARN, a resource's id, or a finding as `rule#account#region#resource`.
 * @param polled the rules that are polled, including declared ones
 * @throws CliError `usage` if no rule has findings with such a resource id
 */
export function subjectOf(text: string, hints: Hints, polled: readonly string[]): Subject {
  const subject = lenientSubjectOf(text, hints, polled);
  if (subject.rules.length > 0 || text.startsWith('arn:')) return subject;
  throw new CliError(
    'usage',
    `no rule has findings with a resource id such as "${text.slice(0, 100)}": expected its id as in Netskope, its ARN, or rule#account#region#resource`,
  );
}

/** Like `subjectOf`, but also accepts resources that rules change but that have no findings, such as a snapshot. */
export function lenientSubjectOf(text: string, hints: Hints, polled: readonly string[]): Subject {
  const found = text.startsWith('arn:') ? ofArn(text) : (ofFinding(text, polled) ?? ofId(text));
  const { rule, account = found.account, region = found.region } = hints;
  // The format of resource ids is unknown for declared rules.
  const declared = polled.filter((each) => !ruleIds.includes(each));
  const rules = rule === undefined ? [...new Set([...found.rules, ...declared])] : [rule];
  return { resource: found.resource, rules, account, region: fixedRegion(rules) ?? region };
}

/** Returns `global` if all rules are known and their findings have no region. */
function fixedRegion(rules: readonly string[]): 'global' | undefined {
  const known = rules.filter((rule) => ruleIds.includes(rule));
  return known.length === rules.length &&
    known.length > 0 &&
    known.every((rule) => factsOf(rule).scope === 'global')
    ? 'global'
    : undefined;
}

function ofArn(arn: string): Subject {
  const [, , service = '', region = '', account = '', ...rest] = arn.split(':');
  // A trail's id is its ARN.
  const asItIs = rulesOfId(arn);
  if (asItIs.length > 0) return { resource: arn, rules: asItIs, ...placeOf(asItIs, account, region) };
  const name = `${service}:${rest.join(':')}`;
  for (const { of, type, region: fixed } of kinds) {
    const [, resource] = of.exec(name) ?? [];
    if (resource === undefined) continue;
    const rules = ruleIds.filter((rule) => factsOf(rule).resourceType === type);
    return { resource, rules, ...placeOf(rules, account, fixed ?? region) };
  }
  // It has no findings, but a rule may have changed it: a snapshot, a flow log.
  const resource = rest.join(':').split(/[/:]/).at(-1) ?? '';
  return { resource, rules: [], ...placeOf([], account, region) };
}

/** The place in an ARN. Findings of a resource whose id contains its region may come from any region. */
function placeOf(rules: readonly string[], account: string, region: string) {
  const tellsItself = rules.some((rule) => factsOf(rule).regionFrom === 'resource');
  const isRegion = region === 'global' || regionSchema.safeParse(region).success;
  return {
    account: accountIdSchema.safeParse(account).data,
    region: isRegion && !tellsItself ? region : undefined,
  };
}

function ofFinding(text: string, polled: readonly string[]): Subject | undefined {
  const [rule = '', account = '', region = '', ...rest] = text.split('#');
  if (rest.length === 0 || ![...ruleIds, ...polled].includes(rule)) return undefined;
  return { resource: rest.join('#'), rules: [rule], account, region };
}

function ofId(text: string): Subject {
  return { resource: text, rules: rulesOfId(text), account: undefined, region: undefined };
}

function rulesOfId(id: string): string[] {
  return ruleIds.filter((rule) => factsOf(rule).resourceId.safeParse(id).success);
}
