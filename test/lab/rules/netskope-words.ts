import type { ComplianceStandard, TenantItem } from '../tenant/item.ts';

/** Netskope's texts for a rule. */
export interface NetskopeWords
  extends Pick<TenantItem, 'rule_name' | 'severity' | 'resource_type' | 'resource_category'> {
  readonly profile: string;
  readonly standard: ComplianceStandard;
}

const CIS = 'CIS AWS Foundations Benchmark v1.2.0';
const BEST_PRACTICES = 'AWS Best Practices v1.0.0';

/** The texts of a rule of the CIS benchmark. */
export function cis(
  control: string,
  section: string,
  description: string,
): Pick<NetskopeWords, 'profile' | 'standard'> {
  return {
    profile: CIS,
    standard: {
      standard: 'CIS-1.2.0',
      control,
      section,
      description,
      reference_url: 'https://www.cisecurity.org/benchmark/amazon_web_services',
    },
  };
}

/** The texts of a rule of the CIS benchmark 1.4. */
export function cis14(
  control: string,
  section: string,
  description: string,
): Pick<NetskopeWords, 'profile' | 'standard'> {
  const words = cis(control, section, description);
  return {
    profile: 'CIS AWS Foundations Benchmark v1.4.0',
    standard: { ...words.standard, standard: 'CIS-1.4.0' },
  };
}

/** The texts of a rule of AWS's best practices, as Netskope has them. */
export function bestPractice(
  control: string,
  section: string,
  description: string,
): Pick<NetskopeWords, 'profile' | 'standard'> {
  return {
    profile: BEST_PRACTICES,
    standard: {
      standard: 'NIST-CSF-1.1',
      control,
      section,
      description,
      reference_url: 'https://www.nist.gov/cyberframework',
    },
  };
}
