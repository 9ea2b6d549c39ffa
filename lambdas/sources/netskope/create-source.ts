import type { SourceContext } from '../source.ts';
import { NetskopeClient } from './client.ts';
import { Pacer } from './pacer.ts';
import { SecretTokenStore } from './secret-token-store.ts';
import { NetskopeFindingSource } from './source.ts';

/** A tenant serves at most 24 requests in 5 seconds (Netskope REST API v1 overview). */
const REQUESTS = 24;
const WINDOW_MILLISECONDS = 5_000;

/** Makes the source of a tenant's findings, whose client keeps the token and its pace from poll to poll. */
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
