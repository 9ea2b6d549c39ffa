import type { AutomationDocument } from '../document.ts';
import { disablePublicAccessForSecurityGroup } from './disable-public-access-for-security-group.ts';
import { disablePublicAccessToRedshiftCluster } from './disable-public-access-to-redshift-cluster.ts';
import { enableCloudTrailLogFileValidation } from './enable-cloudtrail-log-file-validation.ts';
import { enableEbsEncryptionByDefault } from './enable-ebs-encryption-by-default.ts';

const documents = new Map(
  [
    disablePublicAccessForSecurityGroup,
    enableCloudTrailLogFileValidation,
    disablePublicAccessToRedshiftCluster,
    enableEbsEncryptionByDefault,
  ].map((document) => [document.name, document]),
);

/** The document of this name, if AWS offers it in the region. */
export function findDocument(name: string, region: string): AutomationDocument | undefined {
  const document = documents.get(name);
  return document?.isAvailableIn(region) === true ? document : undefined;
}

/** Reports whether a document of this name is simulated, in any region. */
export function isSimulated(name: string): boolean {
  return documents.has(name);
}
