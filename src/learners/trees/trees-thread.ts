/** A thread that grows trees. */
import { serve } from "../threads.ts";
import { grower } from "./grow.ts";

serve(grower);
