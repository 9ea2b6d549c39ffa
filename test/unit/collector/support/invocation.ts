import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { z } from 'zod';
import { type Job, jobSchema } from '../../../../lambdas/model/job.ts';
import {
  type Answer,
  type ReceivedCall,
  type ScriptedAws,
  s3Error,
  scriptedAws,
} from '../../../lab/scripted-aws/scripted-aws.ts';
import { contextOf } from './context.ts';

export const TOKEN = 'simulated+tenant/token==';

const script = fileURLToPath(new URL('./run-handler.ts', import.meta.url));

const entriesSchema = z.object({
  Entries: z.array(z.looseObject({ Id: z.string().optional(), MessageBody: z.string().optional() })),
});

function json(body: object): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify(body),
  };
}

/** Answers every call of a collector as AWS does when all calls succeed. */
export function answerWell(call: ReceivedCall): Answer {
  const target = String(call.headers['x-amz-target'] ?? '');
  if (target.endsWith('.GetSecretValue')) return json({ SecretString: TOKEN });
  if (target.endsWith('.GetQueueUrl'))
    return json({ QueueUrl: 'http://localhost:1/111111111111/cspm-jobs.fifo' });
  if (target === '' && call.method === 'GET') return s3Error('NoSuchKey', 404);
  if (target === '') return { status: 200, body: '' };
  if (target.startsWith('DynamoDB_')) return json(target.endsWith('.PutItem') ? {} : { Responses: {} });
  const { Entries } = entriesSchema.parse(JSON.parse(call.body));
  if (target.endsWith('.PutEvents')) {
    return json({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'e' })) });
  }
  return json({
    Successful: Entries.map(({ Id, MessageBody = '' }) => ({
      Id,
      MessageId: 'm',
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    })),
  });
}

export function startAws(answer: (call: ReceivedCall) => Answer = answerWell): Promise<ScriptedAws> {
  return scriptedAws(answer);
}

/** Returns the jobs that were sent to the queues. */
export function jobsOf(aws: ScriptedAws): Job[] {
  return aws.calls
    .filter((call) => call.headers['x-amz-target'] === 'AmazonSQS.SendMessageBatch')
    .flatMap((call) => entriesSchema.parse(JSON.parse(call.body)).Entries)
    .map(({ MessageBody = '' }) => jobSchema.parse(JSON.parse(MessageBody)));
}

const endSchema = z.object({
  result: z.looseObject({}).optional(),
  thrown: z.object({ name: z.string(), message: z.string() }).optional(),
  maxRss: z.number(),
});

export interface Invocation {
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly thrown?: { readonly name: string; readonly message: string } | undefined;
  /** The output of the function, stdout before stderr. */
  readonly output: string;
  /** The log lines and metrics, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

interface InvocationOptions {
  readonly tenant: URL;
  readonly aws: ScriptedAws;
  readonly event: unknown;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The environment variables of a collector that calls this tenant and this AWS. */
export function collectorVariables({
  tenant,
  aws,
  environment,
}: Pick<InvocationOptions, 'tenant' | 'aws' | 'environment'>): Record<string, string> {
  return {
    NAME: 'cspm',
    HOME_REGION: 'eu-central-1',
    SECURITY_ACCOUNT_ID: '111111111111',
    EVIDENCE_BUCKET: 'cspm-evidence',
    FINDINGS_TABLE: 'cspm-findings',
    EVENT_BUS_ARN: 'arn:aws:events:eu-central-1:111111111111:event-bus/cspm',
    NETSKOPE_URL: tenant.origin,
    NETSKOPE_TOKEN_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:token',
    REGIONS: '["eu-central-1","us-east-1","us-west-2","eu-west-1"]',
    REGION_LABELS: '{}',
    POWERTOOLS_SERVICE_NAME: 'cspm-collector',
    POWERTOOLS_METRICS_NAMESPACE: 'CspmAutoRemediation',
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: '111111111111',
    AWS_SECRET_ACCESS_KEY: 'test',
    ...environment,
  };
}

function parseLine(line: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(line));
}

/** Invokes the collector's handler in this process, as after a cold start. */
export async function invoke(
  options: InvocationOptions & { readonly remainingMilliseconds?: number },
): Promise<Invocation> {
  const { event, remainingMilliseconds = 60_000 } = options;
  for (const [name, value] of Object.entries(collectorVariables(options))) vi.stubEnv(name, value);
  const streams = [process.stdout, process.stderr].map((stream) => {
    const written = { text: '', restore: () => {} };
    const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written.text += String(chunk);
      return true;
    });
    written.restore = () => spy.mockRestore();
    return written;
  });
  vi.resetModules();
  const { handler } = await import('../../../../lambdas/collector/index.ts');
  let came: Pick<Invocation, 'result' | 'thrown'>;
  try {
    came = { result: { ...(await handler(event, contextOf(remainingMilliseconds))) } };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    came = { thrown: { name: error.name, message: error.message } };
  } finally {
    for (const { restore } of streams) restore();
    vi.unstubAllEnvs();
  }
  const output = streams.map(({ text }) => text).join('');
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return { ...came, output, lines: lines.map(parseLine) };
}

/** Invokes the collector's handler in a separate process. */
export async function invokeInProcess(
  options: InvocationOptions & { readonly nodeOptions?: readonly string[] },
): Promise<Invocation & { readonly maxRss: number }> {
  const { event, nodeOptions = [] } = options;
  const child = spawn(process.execPath, [...nodeOptions, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { EVENT: JSON.stringify(event), ...collectorVariables(options) },
  });
  const streams = [child.stdout, child.stderr].map((stream) => ({ stream, text: '' }));
  for (const written of streams) {
    written.stream.setEncoding('utf8');
    written.stream.on('data', (text: string) => {
      written.text += text;
    });
  }
  await once(child, 'close');
  const output = streams.map(({ text }) => text).join('');
  const [lines = [], errorLines = []] = streams.map(({ text }) =>
    text.split('\n').filter((line) => line.startsWith('{')),
  );
  const end = lines.pop();
  if (end === undefined) throw new Error(`the handler's process ended without a word: ${output}`);
  return {
    ...endSchema.parse(JSON.parse(end)),
    output,
    lines: [...lines, ...errorLines].map(parseLine),
  };
}
