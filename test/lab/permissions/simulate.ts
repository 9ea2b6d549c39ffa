import { type RunSimulationResults, runSimulation } from '@cloud-copilot/iam-simulate';
import { type NamedPolicy, type PolicyDocument, withAccount, withAccounts } from './policy.ts';
import type { ConditionValues } from './requirement.ts';

/** A check of whether policies allow a principal to perform an action. */
export interface Question {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly account: string;
  readonly conditions: ConditionValues;
  readonly identityPolicies: readonly NamedPolicy[];
  readonly sessionPolicy?: PolicyDocument;
  readonly boundary?: NamedPolicy;
  readonly resourcePolicy?: PolicyDocument;
}

type Answer = Extract<RunSimulationResults, { resultType: 'single' }>['result'];

/**
 * Evaluates policies as AWS documents it.
 * @throws Error if the simulator refuses the input: an action that does not support the resource, a malformed policy
 */
export async function simulate(question: Question): Promise<Answer> {
  const { principal, action, resource, account, boundary } = question;
  const results = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: {
          // In a request, `*` is a pattern for the simulator; here it is an id that no policy names.
          resource:
            resource === '*' ? resource : withAccount(resource).replace(/\*$/, 'an-id-that-no-policy-names'),
          accountId: account,
        },
        contextVariables: Object.fromEntries(
          Object.entries(question.conditions).map(([key, value]) => [
            key,
            typeof value === 'string' ? value : [...value],
          ]),
        ),
      },
      identityPolicies: question.identityPolicies.map(({ name, policy }) => ({
        name,
        policy: withAccounts(policy),
      })),
      sessionPolicy: question.sessionPolicy && withAccounts(question.sessionPolicy),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(boundary !== undefined && { permissionBoundaryPolicies: [boundary] }),
      ...(question.resourcePolicy !== undefined && { resourcePolicy: question.resourcePolicy }),
    },
    {},
  );
  if (results.resultType === 'single') return results.result;
  // An action on everything that also supports single resources. The simulator tries the resources in policies: it would
  // treat a permission for some resources as one for all.
  if (results.resultType === 'wildcard' && resource === '*') {
    const { results: each } = results;
    const decisive = each.find(({ analysis }) => analysis.result !== 'Allowed') ?? each.find(isOfEverything);
    if (decisive !== undefined) return decisive;
  }
  throw new Error(
    `can't judge ${action} on ${resource}: ${JSON.stringify(results.resultType === 'error' ? results.errors : results)}`,
  );
}

function isOfEverything({ analysis }: Answer): boolean {
  const statements = analysis.identityAnalysis?.allowStatements ?? [];
  return statements.some(({ explain: { resources = [] } }) =>
    [resources].flat().some((each) => each.resource === '*'),
  );
}
