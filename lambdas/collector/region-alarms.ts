import { type AwsClientOptions, clientDefaults } from '../aws/client-defaults.ts';
import { describeError } from '../aws/errors.ts';
import type { PollSummary } from '../model/poll-summary.ts';
import type { Place } from './sent-jobs.ts';

/**
 * The names, without the deployment's prefix, of the alarms in each region that explain why jobs do not finish: see
 * `modules/per-region/alarms.tf`.
 */
export const TELLING: readonly string[] = [
  'jobs-dead-letters',
  'jobs-delayed-dead-letters',
  'oldest-job',
  'remediator-throttled',
];

/** The active alarms of a region, or the reason why they could not be read. */
type Asked = Pick<PollSummary['behind'][number], 'alarms' | 'notAsked'>;

/** Returns the full names of the alarms above that are in the state ALARM in a region. @throws AWS's own error */
export type AlarmsOfRegion = (region: string) => Promise<readonly string[]>;

/**
 * Creates the reader of a deployment's alarms. The CloudWatch client is loaded on demand, because most polls do not
 * need it.
 * @param name the deployment's name
 */
export function alarmsOf(name: string, clientOptions: AwsClientOptions = {}): AlarmsOfRegion {
  return async (region) => {
    const { CloudWatchClient, DescribeAlarmsCommand } = await import('../aws/cloudwatch.ts');
    const client = new CloudWatchClient({ ...clientDefaults, ...clientOptions, region });
    try {
      const AlarmNames = TELLING.map((each) => `${name}-${each}`);
      const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNames }));
      return MetricAlarms.flatMap(({ AlarmName, StateValue }) =>
        AlarmName !== undefined && StateValue === 'ALARM' ? AlarmName : [],
      );
    } finally {
      client.destroy();
    }
  };
}

/**
 * Adds to each lagging place the active alarms of its region, which have already notified people of the cause. If a
 * region's alarms can't be read, its places get no alarms, and the error in `notAsked`.
 * @param ask called once per region
 */
export async function withAlarms(
  places: readonly (Place & { readonly since: string })[],
  ask: AlarmsOfRegion,
): Promise<PollSummary['behind']> {
  const regions = [...new Set(places.map(({ region }) => region))];
  const answers = new Map(
    await Promise.all(
      regions.map(async (region): Promise<[string, Asked]> => {
        try {
          return [region, { alarms: [...(await ask(region))] }];
        } catch (error) {
          return [region, { alarms: [], notAsked: describeError(error) }];
        }
      }),
    ),
  );
  return places.map((place) => ({ ...place, ...(answers.get(place.region) ?? { alarms: [] }) }));
}
