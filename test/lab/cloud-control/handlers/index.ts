import type { Handler } from '../handler.ts';
import { key, subnet, table } from './others.ts';
import { dbCluster, dbInstance } from './rds.ts';
import { redshiftCluster } from './redshift.ts';
import { bucket } from './s3.ts';
import { queue } from './sqs.ts';

/** The types that are simulated. */
export const handlers: ReadonlyMap<string, Handler> = new Map(
  [bucket, dbCluster, dbInstance, key, queue, redshiftCluster, subnet, table].map((handler) => [
    handler.type,
    handler,
  ]),
);
