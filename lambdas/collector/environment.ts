import { z } from 'zod';
import { accountIdSchema, regionSchema, ruleIdSchema } from '../model/finding.ts';

/** A variable that holds JSON, and what the JSON must be. */
function json<T>(schema: z.ZodType<T>) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: `expected JSON, got ${text.slice(0, 100)}` });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** The token travels in the URL's query: only TLS keeps it from others, but for a server on the same machine. */
const netskopeUrlSchema = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.hostname === '127.0.0.1' || url?.hostname === 'localhost';
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal);
  if (url === undefined || !isAllowed || url.username !== '' || url.password !== '') {
    context.addIssue({
      code: 'custom',
      message: `expected the tenant's address, such as https://acme.goskope.com, got ${text.slice(0, 100)}`,
    });
    return z.NEVER;
  }
  return url;
});

/** What Terraform tells the collector: see `modules/central/collector.tf`. */
export const environmentSchema = z.object({
  /** The deployment's name, which the queues' names begin with. */
  NAME: z.string().min(1),
  /** Where the collector, the evidence bucket and the event bus are. */
  HOME_REGION: regionSchema,
  SECURITY_ACCOUNT_ID: accountIdSchema,
  EVIDENCE_BUCKET: z.string().min(3),
  EVENT_BUS_ARN: z.string().startsWith('arn:'),
  NETSKOPE_URL: netskopeUrlSchema,
  NETSKOPE_TOKEN_SECRET_ARN: z.string().startsWith('arn:'),
  /** The regions that have a queue. */
  REGIONS: json(z.array(regionSchema).min(1)),
  /** The schedules of the rules that are polled: rule → expression. */
  POLL_SCHEDULES: json(z.record(ruleIdSchema, z.string())).default({}),
  /** Further names of regions in findings: label → code. */
  REGION_LABELS: json(z.record(z.string(), regionSchema)),
});
export type Environment = z.infer<typeof environmentSchema>;
