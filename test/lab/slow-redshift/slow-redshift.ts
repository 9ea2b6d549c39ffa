import {
  type AwsAnswer,
  type AwsCall,
  type AwsProxy,
  awsError,
  bodyText,
  withBody,
} from '../aws-proxy/index.ts';

/** Duration of a change: a number of milliseconds, or of reads of the cluster. */
export type ChangeLength = { readonly milliseconds: number } | { readonly reads: number };

export interface SlowRedshiftOptions {
  readonly proxy: AwsProxy;
  /** The local AWS, which makes a change when it is due. */
  readonly upstream: () => string;
  readonly lasts: ChangeLength;
}

/** Clusters that become private or public slowly, as in AWS and unlike in the local AWS. */
export interface SlowRedshift extends AsyncDisposable {
  /** Duration of later changes. */
  lasts: ChangeLength;
  /** Finishes the current changes. */
  finish(): Promise<void>;
  /** Finishes the current changes. Later ones take no time. */
  stop(): Promise<void>;
}

/**
 * Simulates the time that clusters take: after `ModifyCluster(PubliclyAccessible)`, a cluster is `modifying` for a while, with
 * the new value pending. A cluster that is paused or otherwise not available cannot be modified.
 * https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html
 */
export function slowRedshift(options: SlowRedshiftOptions): SlowRedshift {
  return new RunningSlowRedshift(options);
}

/** A current change. */
interface Change {
  /** The call that requested it, which is forwarded at its end. */
  readonly call: AwsCall;
  readonly publiclyAccessible: string;
  /** Number of reads that still show the change as pending; unlimited for a change that ends by time. */
  readsLeft: number;
  timer?: NodeJS.Timeout;
}

class RunningSlowRedshift implements SlowRedshift {
  readonly #upstream: () => string;
  readonly #changes = new Map<string, Change>();
  readonly #intercept: { remove(): void };
  #failure: unknown;
  lasts: ChangeLength;

  constructor({ proxy, upstream, lasts }: SlowRedshiftOptions) {
    this.#upstream = upstream;
    this.lasts = lasts;
    this.#intercept = proxy.intercept(async (call) => {
      if (call.service !== 'redshift') return undefined;
      if (call.operation === 'ModifyCluster') return this.#modify(call);
      return call.operation === 'DescribeClusters' ? this.#describe(call) : undefined;
    });
  }

  async finish(): Promise<void> {
    for (const key of [...this.#changes.keys()]) await this.#end(key);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#intercept.remove();
    await this.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #modify(call: AwsCall): Promise<AwsAnswer | undefined> {
    const { ClusterIdentifier: id, PubliclyAccessible: wanted } = call.parameters;
    if (typeof id !== 'string') return undefined;
    const form = new URLSearchParams({
      Action: 'DescribeClusters',
      Version: '2012-12-01',
      ClusterIdentifier: id,
    });
    const answer = await this.#send(call, form.toString());
    const [cluster] = CLUSTER.exec(bodyText(answer)) ?? [];
    // The local AWS reports that there is no such cluster.
    if (cluster === undefined) return undefined;
    const key = keyOf(call, id);
    const status = this.#changes.has(key) ? 'modifying' : element(cluster, 'ClusterStatus');
    if (status !== 'available') {
      return awsError(call, 'InvalidClusterState', { message: `The cluster ${id} is ${status}.` });
    }
    if (typeof wanted !== 'string' || wanted === element(cluster, 'PubliclyAccessible')) return undefined;
    this.#begin(key, call, wanted);
    return withBody(
      answer,
      `<ModifyClusterResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><ModifyClusterResult>${modifying(cluster, wanted)}</ModifyClusterResult></ModifyClusterResponse>`,
    );
  }

  async #describe(call: AwsCall): Promise<AwsAnswer | undefined> {
    const { ClusterIdentifier: only } = call.parameters;
    for (const [key, change] of [...this.#changes]) {
      const isSeen = only === undefined ? key.startsWith(keyOf(call, '')) : key === keyOf(call, String(only));
      if (!isSeen) continue;
      if (change.readsLeft === 0) await this.#end(key);
      else change.readsLeft -= 1;
    }
    if (this.#changes.size === 0) return undefined;
    const answer = await this.#send(call, call.body.toString());
    const body = bodyText(answer).replace(CLUSTERS, (cluster) => {
      const change = this.#changes.get(keyOf(call, element(cluster, 'ClusterIdentifier') ?? ''));
      return change === undefined ? cluster : modifying(cluster, change.publiclyAccessible);
    });
    return withBody(answer, body);
  }

  #begin(key: string, call: AwsCall, publiclyAccessible: string): void {
    const { lasts } = this;
    const change: Change = {
      call,
      publiclyAccessible,
      readsLeft: 'reads' in lasts ? lasts.reads : Number.POSITIVE_INFINITY,
    };
    if ('milliseconds' in lasts) {
      change.timer = setTimeout(() => {
        this.#end(key).catch((error: unknown) => {
          this.#failure = error;
        });
      }, lasts.milliseconds);
    }
    this.#changes.set(key, change);
  }

  async #end(key: string): Promise<void> {
    const change = this.#changes.get(key);
    if (change === undefined) return;
    clearTimeout(change.timer);
    const answer = await this.#send(change.call, change.call.body.toString());
    if (answer.status !== 200) throw new Error(`the local AWS refused a change: ${bodyText(answer)}`);
    this.#changes.delete(key);
  }

  /** Calls the local AWS as the caller. */
  async #send({ headers, path }: AwsCall, body: string): Promise<AwsAnswer> {
    const { authorization = '', 'content-type': contentType = '' } = headers;
    const answer = await fetch(new URL(path, this.#upstream()), {
      method: 'POST',
      headers: { authorization, 'content-type': contentType, 'accept-encoding': 'identity' },
      body,
    });
    return {
      status: answer.status,
      headers: { 'content-type': answer.headers.get('content-type') ?? 'text/xml' },
      body: Buffer.from(await answer.arrayBuffer()),
    };
  }
}

const CLUSTER = /<Cluster>.*?<\/Cluster>/s;
const CLUSTERS = /<Cluster>.*?<\/Cluster>/gs;

function keyOf({ principal, region }: AwsCall, id: string): string {
  return `${principal.account} ${region} ${id}`;
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

/** A cluster as AWS describes it during the change. */
function modifying(cluster: string, publiclyAccessible: string): string {
  return cluster
    .replace(/<ClusterStatus>[^<]*</, '<ClusterStatus>modifying<')
    .replace(
      /<PendingModifiedValues ?\/>|<PendingModifiedValues>/,
      (opening) =>
        `<PendingModifiedValues><PubliclyAccessible>${publiclyAccessible}</PubliclyAccessible>${opening.endsWith('/>') ? '</PendingModifiedValues>' : ''}`,
    );
}
