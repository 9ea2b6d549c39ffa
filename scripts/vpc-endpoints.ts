import { pendingReaders } from '../lambdas/changes/cloud-control/pending.ts';
import { factsOf, ruleIds } from '../lambdas/rules/catalogue.ts';
import type { RuleFacts } from '../lambdas/rules/facts.ts';
import { code, table } from './markdown.ts';

/** The services that the remediator calls for every rule, with the region of each endpoint. */
const ofEveryRule = [
  { services: ['sqs', 'ssm', 'sts'], region: "the remediator's" },
  { services: ['s3', 'dynamodb', 'events'], region: 'the home region' },
] as const;

/** The services that only some configurations call, in addition to those of every rule. The names are those of endpoints. */
const ofSomeConfigurations = [
  {
    of: `library rules, and custom rules with ${code('desired_state')}`,
    services: ['cloudcontrolapi', 'cloudformation'],
    region: "the remediator's",
  },
  ...Object.keys(pendingReaders).map((type) => ({
    of: `of these, those with the type ${code(type)}`,
    services: [type.split('::')[1]?.toLowerCase() ?? ''],
    region: "the remediator's",
  })),
  {
    of: `custom rules with ${code('runbook.resource_arn')}`,
    services: ['tagging'],
    region: "the remediator's",
  },
  {
    of: `target roles with ${code('cloudtrail_lookup')}`,
    services: ['cloudtrail'],
    region: `the remediator's; ${code('us-east-1')} for ${code('iam')}`,
  },
];

/** Services whose endpoints every rule needs anyway, except `s3`, which rules call in the region of their resources. */
const everywhere: ReadonlySet<string> = new Set(
  ofEveryRule.flatMap(({ services }) => services.filter((service) => service !== 's3')),
);

/** The service that receives a call for this action. Passing a role is part of another call. */
function serviceOf(action: string): readonly string[] {
  if (action === 'iam:PassRole') return [];
  return action.includes('AccessPoint') ? ['s3-control'] : [action.split(':')[0] ?? ''];
}

/** Lists the services that a rule calls in target accounts, in addition to those that every rule needs. */
export function servicesOf({ permissions: { read, write } }: Pick<RuleFacts, 'permissions'>): string[] {
  const services = [...read, ...write].flatMap(({ actions }) => actions.flatMap(serviceOf));
  return [...new Set(services)].filter((service) => !everywhere.has(service)).sort();
}

const codes = (words: readonly string[]): string => words.map(code).join(', ');

/** Formats the table of the endpoints that the remediator's VPC needs. Rules that call the same services share a row. */
export function endpointsTable(): string {
  const rulesOf = new Map<string, string[]>();
  for (const rule of ruleIds) {
    const services = codes(servicesOf(factsOf(rule)));
    rulesOf.set(services, [...(rulesOf.get(services) ?? []), rule]);
  }
  return table(
    ['for', 'service', 'region of the endpoint'],
    [
      ...ofEveryRule.map(({ services, region }) => ['every rule', codes(services), region]),
      ...[...rulesOf].map(([services, rules]) => [
        codes(rules),
        services,
        // IAM is global: its only endpoint is in us-east-1.
        services === code('iam') ? code('us-east-1') : "the remediator's",
      ]),
      ...ofSomeConfigurations.map(({ of, services, region }) => [of, codes(services), region]),
    ],
  );
}
