import { z } from 'zod';
import type { Random } from './random.ts';
import type { SdkCall } from './sdk.ts';

const entriesSchema = z.looseObject({ Entries: z.array(z.looseObject({ Id: z.string().optional() })) });
const keysSchema = z.looseObject({
  RequestItems: z.record(z.string(), z.looseObject({ Keys: z.array(z.unknown()) })),
});

/** A batch that AWS accepts in part: the call with that part, and the answer with the rest. */
export interface InPart {
  readonly taken: SdkCall;
  answer(answered: object): object;
}

/** Splits a batch; undefined if the call is not a batch, or too small. */
export function inPart(call: SdkCall, random: Random): InPart | undefined {
  switch (`${call.service}:${call.operation}`) {
    case 'SQS:SendMessageBatch': {
      const { taken, left } = split(entriesSchema.parse(call.input).Entries, random);
      if (taken.length === 0) return undefined;
      const Failed = left.map(({ Id }) => ({
        Id,
        Code: 'InternalError',
        SenderFault: false,
        Message: 'left',
      }));
      return {
        taken: { ...call, input: { ...inputOf(call), Entries: taken } },
        answer: (answered) => ({ ...answered, Failed }),
      };
    }
    case 'EventBridge:PutEvents': {
      const { taken, left } = split(entriesSchema.parse(call.input).Entries, random);
      if (taken.length === 0) return undefined;
      const Entries = [
        ...taken.map(() => ({ EventId: 'event' })),
        ...left.map(() => ({ ErrorCode: 'ThrottlingException', ErrorMessage: 'left' })),
      ];
      return {
        taken: { ...call, input: { ...inputOf(call), Entries: taken } },
        answer: () => ({ FailedEntryCount: left.length, Entries }),
      };
    }
    case 'DynamoDB:BatchGetItem': {
      const [asked] = Object.entries(keysSchema.parse(call.input).RequestItems);
      if (asked === undefined) return undefined;
      const [table, request] = asked;
      const { taken, left } = split(request.Keys, random);
      if (taken.length === 0) return undefined;
      return {
        taken: { ...call, input: { RequestItems: { [table]: { ...request, Keys: taken } } } },
        answer: (answered) => ({
          ...answered,
          UnprocessedKeys: { [table]: { ...request, Keys: left } },
        }),
      };
    }
    default:
      return undefined;
  }
}

/** Takes the first entries, and leaves at least one. */
function split<T>(all: readonly T[], random: Random): { readonly taken: T[]; readonly left: T[] } {
  const number = all.length < 2 ? 0 : random.between(1, all.length - 1);
  return { taken: all.slice(0, number), left: all.slice(number) };
}

function inputOf({ input }: SdkCall): object {
  return typeof input === 'object' && input !== null ? input : {};
}
