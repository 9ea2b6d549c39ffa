import { z } from 'zod';

const oneOrMany = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const conditionSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())])),
);

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.string(), z.record(z.string(), oneOrMany)]).optional(),
  Action: oneOrMany.optional(),
  NotAction: oneOrMany.optional(),
  Resource: oneOrMany.optional(),
  NotResource: oneOrMany.optional(),
  Condition: conditionSchema.optional(),
});

const documentSchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((value) => [value].flat()),
});

/** An IAM policy, in one form where the grammar has several. */
export type PolicyDocument = z.infer<typeof documentSchema>;
export type Statement = PolicyDocument['Statement'][number];

export interface NamedPolicy {
  readonly name: string;
  readonly policy: PolicyDocument;
}

/** @throws z.ZodError, SyntaxError if the text is not a policy, or has a form that is not supported here */
export function parsePolicy(text: string): PolicyDocument {
  return documentSchema.parse(JSON.parse(text));
}

/** The policy without an action. Statements with no other action are left out. */
export function withoutAction(policy: PolicyDocument, action: string): PolicyDocument {
  return {
    ...policy,
    Statement: policy.Statement.flatMap((statement) => {
      const { Action } = statement;
      if (Action?.includes(action) !== true) return statement;
      const left = Action.filter((each) => each !== action);
      return left.length === 0 ? [] : { ...statement, Action: left };
    }),
  };
}

/** The account that the simulator sees for Systems Manager documents without one. */
const NO_ACCOUNT = 'no-account';

/** `arn:aws:ssm:eu-central-1::document/AWS-…`, of AWS's own documents, in a form that the simulator supports. */
export function withAccount(arn: string): string {
  return arn.replace(/^(arn:[^:]*:ssm:[^:]*:)(?=:document\/)/, `$1${NO_ACCOUNT}`);
}

/** Applies `withAccount` to all resources in a policy. */
export function withAccounts(policy: PolicyDocument): PolicyDocument {
  return {
    ...policy,
    Statement: policy.Statement.map((statement) =>
      statement.Resource === undefined
        ? statement
        : { ...statement, Resource: statement.Resource.map(withAccount) },
    ),
  };
}

/** The condition keys in a policy, as written. */
export function conditionKeys(policy: PolicyDocument): string[] {
  return policy.Statement.flatMap(({ Condition = {} }) =>
    Object.values(Condition).flatMap((keys) => Object.keys(keys)),
  );
}

/** The actions that policies allow, each once, in alphabetical order. */
export function allowedActions(policies: readonly PolicyDocument[]): string[] {
  return [
    ...new Set(
      policies.flatMap(({ Statement: statements }) =>
        statements.flatMap(({ Effect, Action = [] }) => (Effect === 'Allow' ? Action : [])),
      ),
    ),
  ].sort();
}
