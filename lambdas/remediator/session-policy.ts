import type { Permission } from '../rules/permission.ts';

/** The values of the placeholders in a rule's permissions in one job. */
export interface Scope {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** IAM takes one value without its list. */
function single<T>(values: readonly T[]): readonly T[] | T {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

/** Permissions for the same resources on the same conditions become one: their text is what STS limits. */
function merge(permissions: readonly Permission[]): Permission[] {
  const merged = new Map<string, Permission>();
  for (const permission of permissions) {
    const { actions, resources, conditions } = permission;
    const key = JSON.stringify([resources, conditions]);
    const known = merged.get(key)?.actions ?? [];
    merged.set(key, { ...permission, actions: [...new Set([...known, ...actions])] });
  }
  return [...merged.values()];
}

function conditionBlock(conditions: NonNullable<Permission['conditions']>) {
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, single(values)])),
    ]),
  );
}

/**
 * The session policy that narrows the target role to what one job needs, as short as it can be said. STS takes 2,048
 * characters of text, but refuses earlier by a packed size that it does not document: at about 1,700.
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
      Statement: merge(permissions).map(({ actions, resources, conditions }) => ({
        Effect: 'Allow',
        Action: single(actions),
        Resource: single(resources),
        ...(conditions !== undefined && { Condition: conditionBlock(conditions) }),
      })),
    }),
  );
}
