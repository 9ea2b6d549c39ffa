import { z } from 'zod';

/**
 * Schema of the tenant's URL. Requests contain the token in their query, so the URL must use TLS unless the server is
 * on the same machine.
 */
const urlSchema = z.string().transform((text, context) => {
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

/** Netskope's variables in the collector's environment: see `modules/central/sources.tf`. */
export const netskopeVariables = {
  NETSKOPE_URL: urlSchema,
  NETSKOPE_TOKEN_SECRET_ARN: z.string().startsWith('arn:'),
};
