import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import { type Check, given } from './verdict.ts';

/** A multi-region trail is to be seen in every region; it is judged where it is at home. */
export const trails: Check = {
  reads: 'trails',
  rules: ['CIS-1-2-0-2-2'],
  async run(place) {
    const { trailList = [] } = await new CloudTrailClient(place.settings()).send(
      new DescribeTrailsCommand({ includeShadowTrails: true }),
    );
    return trailList
      .filter(({ HomeRegion }) => HomeRegion === place.region)
      .map((trail) => ({
        rule: 'CIS-1-2-0-2-2',
        resource: given(trail.TrailARN, 'TrailARN'),
        name: given(trail.Name, 'Name'),
        region: place.region,
        violated: trail.LogFileValidationEnabled !== true,
        tags: [],
      }));
  },
};
