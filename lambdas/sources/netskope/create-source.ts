import type { SourceContext } from '../source.ts';
import { NetskopeClient } from './client.ts';
import { Pacer } from './pacer.ts';
import { SecretTokenStore } from './secret-token-store.ts';
import { NetskopeFindingSource } from './source.ts';

/** Maximum number of requests that a tenant accepts in 5 seconds (Netskope REST API v1 overview). */
const REQUESTS = 24;
const WINDOW_MILLISECONDS = 5_000;

/** Creates the source of a tenant's findings. Its client keeps the cached token and the request rate across polls. */
export function createNetskopeSource(
  environment: { readonly NETSKOPE_URL: URL; readonly NETSKOPE_TOKEN_SECRET_ARN: string },
  { region, clock, clientOptions, pageSize }: SourceContext,
): NetskopeFindingSource {
  const client = new NetskopeClient({
    url: environment.NETSKOPE_URL,
    token: new SecretTokenStore(environment.NETSKOPE_TOKEN_SECRET_ARN, region, clientOptions),
    clock,
    pacer: new Pacer(clock, REQUESTS, WINDOW_MILLISECONDS),
  });
  return new NetskopeFindingSource({ client, ...(pageSize !== undefined && { pageSize }) });
}
