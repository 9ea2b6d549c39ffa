import { applyPatch } from 'rfc6902';
import { z } from 'zod';
import { type Json, jsonSchema } from '../../../lambdas/model/json.ts';
import { AwsModelError, type Operation, type OperationContext, reading } from './operation.ts';
import { type CloudControlRequest, type CloudControlResource, withEntry } from './state.ts';

const getSchema = z.strictObject({ TypeName: z.string(), Identifier: z.string() });
const updateSchema = z.strictObject({
  TypeName: z.string(),
  Identifier: z.string(),
  PatchDocument: z.string(),
  ClientToken: z.string(),
});
const statusSchema = z.strictObject({ RequestToken: z.string() });
const stackSchema = z.strictObject({ PhysicalResourceId: z.string() });
const patchSchema = z.array(z.custom<Parameters<typeof applyPatch>[1][number]>());
const propertiesSchema = z.record(z.string(), jsonSchema);

/** The properties after the requested update. */
export function propertiesInTheEnd({
  properties,
  requests,
}: CloudControlResource): Readonly<Record<string, Json>> {
  return requests.at(-1)?.after ?? properties;
}

function propertiesAt({ properties, requests }: CloudControlResource, now: number) {
  return requests.findLast(({ until }) => until <= now)?.after ?? properties;
}

function progress({ token, until }: CloudControlRequest, now: number): object {
  return {
    ProgressEvent: { RequestToken: token, OperationStatus: until <= now ? 'SUCCESS' : 'IN_PROGRESS' },
  };
}

/** Starts an update, or returns the request of a known client token. https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/ */
const updateResource: Operation = {
  isWrite: true,
  answer(input, state, { now, newId }: OperationContext) {
    const { Identifier, PatchDocument, ClientToken } = updateSchema.parse(input);
    const resource = state.cloudControl[Identifier];
    if (resource === undefined) throw new AwsModelError('ResourceNotFoundException');
    const known = resource.requests.find(({ clientToken }) => clientToken === ClientToken);
    if (known !== undefined && known.patch !== PatchDocument)
      throw new AwsModelError('ClientTokenConflictException');
    if (known !== undefined) return { output: progress(known, now) };
    if (resource.requests.some(({ until }) => until > now))
      throw new AwsModelError('ConcurrentOperationException');
    const after = propertiesSchema.parse(structuredClone(propertiesAt(resource, now)));
    const wrong = applyPatch(after, patchSchema.parse(JSON.parse(PatchDocument)));
    if (wrong.some((each) => each !== null)) throw new AwsModelError('InvalidRequestException');
    const request = {
      token: newId('request'),
      clientToken: ClientToken,
      patch: PatchDocument,
      after,
      until: now + resource.lasts,
    };
    const next = { ...resource, requests: [...resource.requests, request] };
    return {
      output: progress(request, now),
      next: { ...state, cloudControl: withEntry(state.cloudControl, Identifier, next) },
    };
  },
};

export const cloudControlOperations: Readonly<Record<string, Operation>> = {
  GetResource: reading((input, state, { now }) => {
    const { TypeName, Identifier } = getSchema.parse(input);
    const resource = state.cloudControl[Identifier];
    if (resource === undefined) throw new AwsModelError('ResourceNotFoundException');
    const Properties = JSON.stringify(propertiesAt(resource, now));
    return { TypeName, ResourceDescription: { Identifier, Properties } };
  }),
  UpdateResource: updateResource,
  GetResourceRequestStatus: reading((input, state, { now }) => {
    const { RequestToken } = statusSchema.parse(input);
    const all = Object.values(state.cloudControl).flatMap(({ requests }) => requests);
    const request = all.find(({ token }) => token === RequestToken);
    if (request === undefined) throw new AwsModelError('RequestTokenNotFoundException');
    return progress(request, now);
  }),
  // No stack manages anything here.
  DescribeStackResources: reading((input) => {
    const { PhysicalResourceId } = stackSchema.parse(input);
    throw new AwsModelError('ValidationError', `Stack for ${PhysicalResourceId} does not exist`);
  }),
};
