import type { Deployment } from '../lambdas/model/deployment.ts';
import type { Clients } from './aws/clients.ts';
import type { Screen } from './screen.ts';

/** The environment in which a command runs. */
export interface Context {
  readonly screen: Screen;
  readonly clients: Clients;
  /** The region from `--region`. Commands that show or act on regions are limited to it. */
  readonly region: string | undefined;
  now(): Date;
  /**
   * The deployment, which is read once.
   * @throws CliError `notFound` if there is none
   */
  deployment(): Promise<Deployment>;
}
