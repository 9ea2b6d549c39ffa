import type { Permission } from '../rules/facts.ts';

/** What the placeholders in a rule's permissions stand for in one job. */
export interface Scope {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/**
 * The session policy that narrows the target role to what one job needs, as JSON without white space: STS takes 2,048
 * characters (AssumeRole, `Policy`).
 */
export function sessionPolicy(permissions: readonly Permission[], scope: Scope): string {
  const fill = (text: string): string =>
    text
      .replaceAll('${partition}', scope.partition)
      .replaceAll('${region}', scope.region)
      .replaceAll('${account}', scope.account);
  return fill(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: permissions.map(({ actions, resources, conditions }) => ({
        Effect: 'Allow',
        Action: actions,
        Resource: resources,
        ...(conditions !== undefined && { Condition: conditions }),
      })),
    }),
  );
}
