import type { Context } from '../context.ts';
import { Evidence } from './evidence.ts';
import { DeployedSettings } from './settings.ts';
import { Table } from './table.ts';

/** The deployment and its stored state. */
export async function open(context: Context) {
  const deployment = await context.deployment();
  const { clients } = context;
  return {
    deployment,
    table: new Table(clients, deployment),
    evidence: new Evidence(clients, deployment),
    settings: new DeployedSettings(clients, deployment),
  };
}

export type Opened = Awaited<ReturnType<typeof open>>;
