import { regionSchema } from '../model/finding.ts';
import { regionLabels } from '../sources/index.ts';

/** Returns the region code for a source's label, `global` for `global`, or undefined if nothing matches. */
export type RegionLookup = (name: string) => string | undefined;

/** The labels of all sources. */
const labelsOfSources = Object.fromEntries(Object.values(regionLabels).flatMap(Object.entries<string>));

/**
 * AWS's long names of the regions for which no source label is known (public parameters
 * `/aws/service/global-infrastructure/regions/<code>/longName`). The known labels are also AWS's long names.
 */
const awsNames: Readonly<Record<string, string>> = {
  'Asia Pacific (Hyderabad)': 'ap-south-2',
  'Asia Pacific (Malaysia)': 'ap-southeast-5',
  'Asia Pacific (Melbourne)': 'ap-southeast-4',
  'Asia Pacific (New Zealand)': 'ap-southeast-6',
  'Asia Pacific (Taipei)': 'ap-east-2',
  'Asia Pacific (Thailand)': 'ap-southeast-7',
  'AWS European Sovereign Cloud (Germany)': 'eusc-de-east-1',
  'AWS GovCloud (US-East)': 'us-gov-east-1',
  'AWS GovCloud (US-West)': 'us-gov-west-1',
  'Canada West (Calgary)': 'ca-west-1',
  'China (Beijing)': 'cn-north-1',
  'China (Ningxia)': 'cn-northwest-1',
  'Europe (Spain)': 'eu-south-2',
  'Europe (Zurich)': 'eu-central-2',
  'Israel (Tel Aviv)': 'il-central-1',
  'Mexico (Central)': 'mx-central-1',
  'Middle East (Bahrain)': 'me-south-1',
  'Middle East (UAE)': 'me-central-1',
};

/** Normalizes labels and AWS's names, which differ in spaces, in `EU` for `Europe`, and in accents. */
function normalize(label: string): string {
  return label
    .normalize('NFD')
    .replaceAll(/[\s\p{M}]/gu, '')
    .toLowerCase()
    .replace(/^europe/, 'eu');
}

/**
 * Creates the lookup of a region code by the label, long name or code in a finding.
 * @param furtherLabels label → code, as configured by the user; these take precedence over the known labels
 */
export function regionLookup(furtherLabels: Readonly<Record<string, string>> = {}): RegionLookup {
  const codes = new Map(
    Object.entries({ ...awsNames, ...labelsOfSources, ...furtherLabels }).map(([label, code]) => [
      normalize(label),
      code,
    ]),
  );
  return (name) => {
    const label = normalize(name);
    const isCode = label === 'global' || regionSchema.safeParse(label).success;
    return codes.get(label) ?? (isCode ? label : undefined);
  };
}
