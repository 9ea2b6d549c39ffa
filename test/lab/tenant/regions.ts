/** Netskope's known labels of AWS regions; there is no public list of the newer ones. */
export const regionLabels: Readonly<Record<string, string>> = {
  'af-south-1': 'Africa(Cape Town)',
  'ap-east-1': 'Asia Pacific(Hong Kong)',
  'ap-northeast-1': 'Asia Pacific(Tokyo)',
  'ap-northeast-2': 'Asia Pacific(Seoul)',
  'ap-northeast-3': 'Asia Pacific(Osaka)',
  'ap-south-1': 'Asia Pacific(Mumbai)',
  'ap-southeast-1': 'Asia Pacific(Singapore)',
  'ap-southeast-2': 'Asia Pacific(Sydney)',
  'ap-southeast-3': 'Asia Pacific(Jakarta)',
  'ca-central-1': 'Canada(Central)',
  'eu-central-1': 'EU(Frankfurt)',
  'eu-north-1': 'EU(Stockholm)',
  'eu-south-1': 'EU(Milan)',
  'eu-west-1': 'EU(Ireland)',
  'eu-west-2': 'EU(London)',
  'eu-west-3': 'EU(Paris)',
  'sa-east-1': 'South America(Sao Paulo)',
  'us-east-1': 'US East(N. Virginia)',
  'us-east-2': 'US East(Ohio)',
  'us-west-1': 'US West(N. California)',
  'us-west-2': 'US West(Oregon)',
};

/** Returns an item's name of the region: its label; `global`, and a region without a published label, are unchanged. */
export function labelOfRegion(code: string): string {
  return regionLabels[code] ?? code;
}

const codes = new Map(Object.entries(regionLabels).map(([code, label]) => [label, code]));

/** The code of a label in a request's `region`; an unknown label only matches itself. */
export function regionOfLabel(label: string): string {
  return codes.get(label) ?? label;
}
