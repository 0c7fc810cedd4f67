/**
 * Everything that the element says, in English. The type checker demands the same texts of each language. The build shortens names that end
 * in `_`.
 */
export declare const en: {
    closes_: string;
    units_: string[];
    opens_: string;
    notYet_: string;
    left_: string;
    none_: string;
    email: string;
    sms: string;
    mail_: string;
    phone_: string;
    agreeMail_: string;
    agreeSms_: string;
    names_: Record<string, string>;
    optional_: string;
    send_: string;
    sending_: string;
    busy_: string;
    offline_: string;
    next_: string;
    on_: string;
    place_: string;
    soon_: string;
    of_: string;
    won_: string;
    copy_: string;
    copied_: string;
    line_: string;
    ahead_: string;
    waiting_: string;
    answer_: string;
    confirm_: string;
    until_: string;
    ticket_: string;
    drawn_: string;
    entered_: string;
    nothing_: string;
    reasons_: Record<string, string>;
    refused_: string;
    already_: string;
    over_: string;
    closed_: string;
    full_: string;
    gone_: string;
    failed_: string;
    again_: string;
    needed_: string;
    wrong_: string;
    notPhone_: string;
    country_: string;
    longest_: string;
};
export type Texts = typeof en;
