/** What the parts of a checkup of a Kafka cluster share. */
import type { Clock, Logger, Random } from '../../../../ports/index.ts';
import type { KafkaAdmin } from '../admin.ts';
import type { Catalog } from '../catalog.ts';
import type { Patience } from '../patience.ts';
import type { KafkaLogSettings } from '../settings.ts';
import type { KafkaWire } from '../wire.ts';

export interface KafkaCheckup {
  readonly wire: KafkaWire;
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: KafkaLogSettings;
  readonly patience: Patience;
  readonly catalog: Catalog;
  /** `host:port` of those that the configuration names. */
  readonly brokers: readonly string[];
}
