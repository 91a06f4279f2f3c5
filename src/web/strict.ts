/** Imported before all else: the page's policy allows no code that is made of text, which zod would try to make of each schema. */
import { z } from "zod";

z.config({ jitless: true });
