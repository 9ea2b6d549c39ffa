import {
  DescribeDocumentPermissionCommand,
  DocumentPermissionType,
  GetDocumentCommand,
  InvalidDocument,
  InvalidDocumentVersion,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { ApiError } from './api.ts';
import { AssertionFailed, type AutomationDocument, type Step, type StepContext } from './document.ts';

/** A document that an account has created: https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html */
const contentSchema = z.strictObject({
  schemaVersion: z.literal('0.3'),
  description: z.string().default(''),
  assumeRole: z.string().optional(),
  parameters: z
    .record(
      z.string(),
      z.strictObject({
        type: z.enum(['String', 'AWS::IAM::Role::Arn']),
        description: z.string().default(''),
        default: z.string().optional(),
        allowedPattern: z.string().optional(),
      }),
    )
    .default({}),
  mainSteps: z
    .array(
      z.strictObject({
        name: z.string(),
        action: z.enum([
          'aws:executeAwsApi',
          'aws:assertAwsResourceProperty',
          'aws:waitForAwsResourceProperty',
        ]),
        inputs: z.looseObject({
          Service: z.string(),
          Api: z.string(),
          PropertySelector: z.string().optional(),
          DesiredValues: z.array(z.string()).optional(),
        }),
        outputs: z
          .array(z.strictObject({ Name: z.string(), Selector: z.string(), Type: z.string() }))
          .default([]),
      }),
    )
    .min(1),
});
type Content = z.infer<typeof contentSchema>;
type OwnStep = Content['mainSteps'][number];

/** A request for a document by its name, or by the ARN of one that another account shares. */
export interface OwnDocumentRequest {
  readonly upstream: string;
  /** Account of the caller. */
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly version: string;
}

const ARN = /^arn:[^:]+:ssm:([^:]+):(\d{12}):document\/(.+)$/;

/**
 * Finds a document that an account has created. Read without the proxy: the service does it within AWS.
 * @returns undefined if there is none, or it is not shared with the caller's account
 * @throws ApiError if it has no such version
 */
export async function findOwnDocument(request: OwnDocumentRequest): Promise<AutomationDocument | undefined> {
  const { upstream, account, name, version } = request;
  const [, region = request.region, owner = account, own = name] = ARN.exec(name) ?? [];
  if (region !== request.region) return undefined;
  const client = new SSMClient({
    endpoint: upstream,
    region,
    credentials: { accessKeyId: owner, secretAccessKey: 'simulated' },
  });
  try {
    if (owner !== account && !(await isSharedWith(account, client, own))) return undefined;
    const found = await client.send(
      new GetDocumentCommand({
        Name: own,
        DocumentFormat: 'JSON',
        // The local AWS does not support the name of the default.
        ...(version !== '$DEFAULT' && { DocumentVersion: version }),
      }),
    );
    const content = contentSchema.parse(JSON.parse(found.Content ?? ''));
    return documentOf(name, z.string().parse(found.DocumentVersion), content);
  } catch (error) {
    if (error instanceof InvalidDocument) return undefined;
    if (!(error instanceof InvalidDocumentVersion)) throw error;
    throw new ApiError(
      'AutomationDefinitionVersionNotFoundException',
      `Automation document ${name} has no version ${version}`,
    );
  }
}

async function isSharedWith(account: string, client: SSMClient, name: string): Promise<boolean> {
  const { AccountIds = [] } = await client.send(
    new DescribeDocumentPermissionCommand({ Name: name, PermissionType: DocumentPermissionType.SHARE }),
  );
  return AccountIds.some((id) => id === account || id.toLowerCase() === 'all');
}

function documentOf(name: string, version: string, content: Content): AutomationDocument {
  const { assumeRole, description, parameters, mainSteps } = content;
  return {
    name,
    version,
    description,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, { description: words, default: otherwise, allowedPattern }]) => [
        key,
        {
          description: words,
          ...(otherwise !== undefined && { default: otherwise }),
          refuses: (value: string) =>
            allowedPattern === undefined || new RegExp(allowedPattern).test(value)
              ? undefined
              : `a value that matches ${allowedPattern}`,
        },
      ]),
    ),
    roleOf: (values) =>
      assumeRole === undefined ? '' : String(fill(assumeRole, new Map(Object.entries(values)))),
    isAvailableIn: () => true,
    steps: (values) => {
      const known = new Map<string, unknown>(Object.entries(values));
      return mainSteps.map((step) => stepOf(step, known));
    },
  };
}

/** Resolves `{{ Parameter }}` and `{{ Step.Output }}`. A text with nothing else becomes the value itself. */
function fill(value: unknown, known: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, known));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, known)]));
  }
  if (typeof value !== 'string') return value;
  const [, whole] = /^\{\{ *([\w.:-]+) *\}\}$/.exec(value) ?? [];
  if (whole !== undefined) return givenValue(whole, known);
  return value.replaceAll(/\{\{ *([\w.:-]+) *\}\}/g, (_, name: string) => String(givenValue(name, known)));
}

function givenValue(name: string, known: ReadonlyMap<string, unknown>): unknown {
  if (!known.has(name)) throw new Error(`{{ ${name} }} has no value`);
  return known.get(name);
}

/** The value that `$.Name.Name[0]` selects. */
function select(selector: string, from: unknown): unknown {
  const path = selector.replace(/^\$\.?/, '').match(/[^.[\]]+/g) ?? [];
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    from,
  );
}

function stepOf({ name, action, inputs, outputs }: OwnStep, known: Map<string, unknown>): Step {
  const { Service, Api, PropertySelector = '$', DesiredValues = [], ...given } = inputs;
  return {
    name,
    action,
    api: Api,
    async run({ client }) {
      const answer = await call(client, Service, Api, fill(given, known));
      for (const output of outputs) known.set(`${name}.${output.Name}`, select(output.Selector, answer));
      if (action === 'aws:executeAwsApi') return 'done';
      const value = String(select(PropertySelector, answer));
      if (DesiredValues.map((wanted) => String(fill(wanted, known))).includes(value)) return 'done';
      if (action === 'aws:waitForAwsResourceProperty') return 'again';
      throw new AssertionFailed(`${PropertySelector} is ${value}`);
    },
  };
}

interface Sender {
  send(command: unknown): Promise<unknown>;
}
/** A command class of the SDK, whose parameters depend on its name. */
const classSchema = <T>() => z.custom<new (input: unknown) => T>((value) => typeof value === 'function');

/** Makes any call of a service whose client of the AWS SDK is installed. */
async function call(
  makeClient: StepContext['client'],
  service: string,
  api: string,
  input: unknown,
): Promise<unknown> {
  const module: unknown = await import(`@aws-sdk/client-${service.toLowerCase()}`);
  const exported = z.custom<object>((value) => typeof value === 'object').parse(module);
  const clientName = Object.keys(exported).find((name) => /^[A-Z]\w*Client$/.test(name)) ?? '';
  const Client = classSchema<Sender>().parse(Reflect.get(exported, clientName));
  const Command = classSchema<unknown>().parse(Reflect.get(exported, `${api}Command`));
  // A queue's URL in the local AWS is not the proxy's address.
  const client = makeClient(
    class {
      readonly #client: Sender;
      constructor(settings: object) {
        this.#client = new Client({ ...settings, useQueueUrlAsEndpoint: false });
      }
      send = (command: unknown): Promise<unknown> => this.#client.send(command);
    },
  );
  return client.send(new Command(input));
}
