import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation } from './operation.ts';
import { type AwsState, type User, withEntry } from './state.ts';

const userSchema = z.looseObject({ UserName: z.string() });

function noSuchEntity(what: string): never {
  throw new AwsModelError('NoSuchEntityException', `${what} cannot be found.`, 404);
}

function userOf(state: AwsState, input: unknown): { name: string; user: User } {
  const { UserName: name } = userSchema.parse(input);
  return { name, user: state.users[name] ?? noSuchEntity(`The user with name ${name}`) };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html */
const listAccessKeys: Operation = {
  isWrite: false,
  answer(input, state) {
    const { name, user } = userOf(state, input);
    return {
      output: {
        AccessKeyMetadata: user.keys.map(({ id, status, created }) => ({
          UserName: name,
          AccessKeyId: id,
          Status: status,
          CreateDate: new Date(created),
        })),
      },
    };
  },
};

const keySchema = z.looseObject({ AccessKeyId: z.string() });

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html */
const getAccessKeyLastUsed: Operation = {
  isWrite: false,
  answer(input, state) {
    const { AccessKeyId } = keySchema.parse(input);
    const key = Object.values(state.users)
      .flatMap(({ keys }) => keys)
      .find(({ id }) => id === AccessKeyId);
    if (key === undefined) noSuchEntity(`The Access Key with id ${AccessKeyId}`);
    const { lastUsed } = key;
    return { output: { AccessKeyLastUsed: lastUsed === null ? {} : { LastUsedDate: new Date(lastUsed) } } };
  },
};

const updateSchema = keySchema.extend({ Status: z.enum(['Active', 'Inactive']) });

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html */
const updateAccessKey: Operation = {
  isWrite: true,
  answer(input, state) {
    const { name, user } = userOf(state, input);
    const { AccessKeyId, Status: status } = updateSchema.parse(input);
    if (!user.keys.some(({ id }) => id === AccessKeyId))
      noSuchEntity(`The Access Key with id ${AccessKeyId}`);
    const keys = user.keys.map((key) => (key.id === AccessKeyId ? { ...key, status } : key));
    return { output: {}, next: { ...state, users: withEntry(state.users, name, { ...user, keys }) } };
  },
};

export const userOperations: Readonly<Record<string, Operation>> = {
  ListAccessKeys: listAccessKeys,
  ListUserTags: {
    isWrite: false,
    answer: (input, state) => ({ output: { Tags: sdkTags(userOf(state, input).user.tags) } }),
  },
  GetAccessKeyLastUsed: getAccessKeyLastUsed,
  UpdateAccessKey: updateAccessKey,
};
