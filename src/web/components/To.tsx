/** A link to another place of the application, typed by the router, that looks like a link. */
import { Anchor, type AnchorProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes } from "react";

type Props = AnchorProps & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps>;
const Underlined = (props: Props) => <Anchor size="sm" underline="always" className="name" {...props} />;

export const To = createLink(Underlined);
