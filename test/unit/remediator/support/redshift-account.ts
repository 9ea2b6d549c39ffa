import { HttpResponse } from '@smithy/core/protocols';
import { logCall } from '../../../../lambdas/aws/call-log.ts';
import type { AwsCall, AwsSession, ClientSettings } from '../../../../lambdas/aws/session.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import type { Lifeline } from './lifeline.ts';

/** Time that AWS takes to carry out a change, in milliseconds of the remediator's clock. */
const MINUTES = 4 * 60_000;

/** Redshift cluster in memory, behind real SDK clients. A change takes minutes, in which the cluster is `modifying`. */
export class RedshiftAccount {
  isPublic = true;
  /** Settings to which the cluster was changed, in order. */
  readonly changed: boolean[] = [];
  /** True if the answers to changes are lost. */
  losesAnswers = false;
  #pending: { readonly isPublic: boolean; readonly until: number } | undefined;

  open({ account, region }: SessionRequest, now: () => number, life: Lifeline): AwsSession {
    const calls: AwsCall[] = [];
    const handle = async ({ body }: { body: string }) => {
      const form = new URLSearchParams(body);
      const operation = form.get('Action') ?? '';
      logCall(calls, { service: 'Redshift', operation, requestId: 'r' });
      const answer = await life.step(() => this.#answer(operation, form, now()));
      return {
        response: new HttpResponse({
          statusCode: 200,
          headers: { 'content-type': 'text/xml' },
          body: new TextEncoder().encode(
            `<${operation}Response><${operation}Result>${answer}</${operation}Result></${operation}Response>`,
          ),
        }),
      };
    };
    return {
      account,
      region,
      partition: 'aws',
      maker: 'test',
      calls,
      now: () => new Date(now()),
      turn: async () => {},
      sleep: async () => {},
      client<C>(Client: new (settings: ClientSettings) => C): C {
        const settings: ClientSettings & Record<string, unknown> = {
          region,
          maxAttempts: 1,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          requestHandler: { handle },
        };
        return new Client(settings);
      },
    };
  }

  #answer(operation: string, form: URLSearchParams, now: number): string {
    if (this.#pending !== undefined && this.#pending.until <= now) {
      this.isPublic = this.#pending.isPublic;
      this.#pending = undefined;
    }
    if (operation === 'ModifyCluster') {
      const isPublic = form.get('PubliclyAccessible') === 'true';
      this.#pending = { isPublic, until: now + MINUTES };
      this.changed.push(isPublic);
      if (this.losesAnswers) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    }
    const cluster = [
      `<ClusterIdentifier>${form.get('ClusterIdentifier')}</ClusterIdentifier>`,
      `<ClusterStatus>${this.#pending === undefined ? 'available' : 'modifying'}</ClusterStatus>`,
      `<PubliclyAccessible>${this.isPublic}</PubliclyAccessible>`,
      this.#pending === undefined
        ? ''
        : `<PendingModifiedValues><PubliclyAccessible>${this.#pending.isPublic}</PubliclyAccessible></PendingModifiedValues>`,
    ].join('');
    return operation === 'ModifyCluster'
      ? `<Cluster>${cluster}</Cluster>`
      : `<Clusters><Cluster>${cluster}</Cluster></Clusters>`;
  }
}
