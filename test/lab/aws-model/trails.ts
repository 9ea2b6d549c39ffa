import { z } from 'zod';
import { sdkTags } from './ec2-parameters.ts';
import { AwsModelError, type Operation, reading, writing } from './operation.ts';
import { withEntry } from './state.ts';

const describeSchema = z.looseObject({ trailNameList: z.array(z.string()) });
const listTagsSchema = z.looseObject({ ResourceIdList: z.array(z.string()).max(20) });
/** Strict, so that no other change goes unnoticed. */
const updateSchema = z.strictObject({ Name: z.string(), EnableLogFileValidation: z.boolean().optional() });

function noTrail(arn: string): AwsModelError {
  return new AwsModelError('TrailNotFoundException', `Unknown trail: ${arn}`);
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/ */
export const trailOperations: Readonly<Record<string, Operation>> = {
  // Missing trails are left out of the answer.
  DescribeTrails: reading((input, state, { region }) => ({
    trailList: describeSchema.parse(input).trailNameList.flatMap((TrailARN) => {
      const trail = state.trails[TrailARN];
      if (trail === undefined || trail.region !== region) return [];
      return [
        {
          TrailARN,
          Name: TrailARN.split('/').at(-1),
          HomeRegion: trail.region,
          IsMultiRegionTrail: true,
          IsOrganizationTrail: false,
          LogFileValidationEnabled: trail.isValidated,
        },
      ];
    }),
  })),
  ListTags: reading((input, state) => ({
    ResourceTagList: listTagsSchema.parse(input).ResourceIdList.map((ResourceId) => {
      const trail = state.trails[ResourceId];
      if (trail === undefined) throw noTrail(ResourceId);
      return { ResourceId, TagsList: sdkTags(trail.tags) };
    }),
  })),
  UpdateTrail: writing((input, state, { region }) => {
    const { Name, EnableLogFileValidation: isValidated } = updateSchema.parse(input);
    const trail = state.trails[Name];
    if (trail === undefined) throw noTrail(Name);
    if (trail.region !== region) throw new AwsModelError('InvalidHomeRegionException');
    if (isValidated === undefined || isValidated === trail.isValidated) return state;
    return { ...state, trails: withEntry(state.trails, Name, { ...trail, isValidated }) };
  }),
};
