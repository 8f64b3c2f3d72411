//! The contract, as a client sees it: scenarios that use only the wire protocol.
//!
//! There is one file for each behaviour, and one list. A runtime is a type that implements
//! [`Runtime`]; [`every_scenario!`] turns each scenario into a test of it, so no runtime can skip
//! one unnoticed. If a scenario needs other settings than the defaults, it says so in its
//! [`Settings`]. If a runtime has to differ, its [`Profile`] says how.

pub mod client;
pub mod frame;
pub mod profile;
pub mod request;
pub mod site;

pub mod chatting;
pub mod closing;
pub mod crowding;
pub mod endings;
pub mod errors;
pub mod fencing;
pub mod handshake;
pub mod http;
pub mod ice;
pub mod joining;
pub mod leaving;
pub mod limits;
pub mod liveness;
pub mod lobby;
pub mod moving;
pub mod query;
pub mod races;
pub mod relaying;
pub mod resume;
pub mod room_list;
pub mod rosters;
#[path = "../contract/schema.rs"]
pub mod schema;
pub mod seeds;
mod settings;
pub mod slow;
pub mod stamping;
pub mod strangers;
pub mod takeover;
pub mod tokens;
pub mod unrest;
pub mod visit;

use std::time::Duration;

pub use profile::Profile;
pub use settings::Settings;
pub use site::Rest;

/// A scenario that runs for longer is stuck.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Something that speaks the protocol.
pub trait Runtime {
    /// Where it differs from others.
    const PROFILE: Profile;

    /// Starts a separate one for a scenario; it ends when dropped.
    async fn start(settings: Settings) -> Self;

    /// `ws://host:port/ws`
    fn websocket_url(&self) -> String;

    /// `host:port` of its HTTP side.
    fn http_address(&self) -> String;

    /// How to wait until every message that was read is handled, if messages do not queue up.
    fn rest(&self) -> Rest {
        Rest::default()
    }

    /// Moves the clock, if the runtime has one that can be moved. Only then may a [`Profile`] have
    /// limits that are too long to wait for.
    async fn pass(&self, _time: Duration) {
        panic!("the clock of this runtime cannot be moved");
    }
}

/// The list: makes a test of every scenario for the runtime that is named.
#[macro_export]
macro_rules! every_scenario {
    ($runtime:ident) => {
        $crate::scenarios! { $runtime;
            joining:
                the_first_peer_finds_an_empty_room,
                the_second_peer_sees_the_first_and_is_seen_by_it,
                without_a_room_everybody_meets_in_the_default_one,
                without_a_peer_id_the_server_makes_one,
                a_peer_that_names_no_room_gets_the_bootstrap_list,
                a_peer_that_names_no_room_and_is_alone_gets_no_bootstrap_list,
                a_peer_that_names_its_room_gets_no_bootstrap_list,
                the_answer_echoes_the_request_id,
                name_and_metadata_are_shown_to_the_others,
                a_peer_without_name_and_metadata_is_shown_without_them,
                a_null_field_counts_as_absent,
                unknown_fields_are_ignored,
                identifiers_may_use_their_whole_alphabet,
                a_second_join_is_refused_and_the_seat_stays,
                messages_sent_along_with_a_join_do_not_undo_it,
                joined_comes_before_anything_else_about_the_room;
            moving:
                join_room_takes_a_seat,
                join_room_moves_a_seated_peer_to_another_room,
                a_peer_that_moves_may_take_another_peer_id,
                a_peer_that_moves_keeps_its_name_and_metadata,
                a_move_to_a_full_room_keeps_the_old_seat,
                join_room_into_the_same_room_is_refused,
                a_move_takes_over_the_same_peer_id_in_the_other_room,
                a_peer_that_moved_can_move_back,
                news_of_the_old_room_never_passes_for_news_of_the_new,
                a_peer_that_moves_through_many_rooms_leaves_none_behind;
            query:
                the_query_fills_in_fields_that_a_join_leaves_out,
                the_message_wins_over_the_query,
                a_room_in_the_query_counts_as_named,
                the_first_message_triggers_the_join,
                joined_comes_before_the_first_messages_answer,
                any_one_field_of_the_query_requests_the_join,
                a_query_without_known_fields_requests_no_join,
                only_the_first_message_triggers_the_join,
                the_query_applies_to_every_join_of_its_connection,
                a_bad_value_in_the_query_is_named,
                a_first_message_whose_join_fails_is_handled_without_a_seat;
            seeds:
                the_mesh_client_joins_by_its_peer_id_alone,
                the_chat_client_can_send_everything_it_knows;
            relaying:
                every_type_arrives_as_sent_with_its_sender,
                the_text_is_unchanged_byte_for_byte,
                a_message_of_the_largest_size_arrives,
                a_message_in_fragments_arrives_whole,
                a_hundred_messages_arrive_in_the_order_sent,
                messages_to_the_room_and_to_one_peer_keep_their_order,
                a_batch_and_every_form_of_candidate_arrive,
                nothing_crosses_into_another_room,
                many_peers_are_told_apart;
            stamping:
                a_forged_from_never_arrives,
                a_forged_from_never_reaches_the_room,
                a_from_deeper_in_the_message_is_left_alone,
                removing_a_from_leaves_the_other_fields_alone,
                a_forged_sent_at_never_reaches_the_room,
                a_message_to_one_peer_keeps_its_own_sent_at;
            chatting:
                a_message_without_a_recipient_goes_to_all_others,
                a_message_with_a_recipient_goes_to_that_peer_alone,
                a_private_message_may_name_its_target_by_user_id,
                a_private_message_needs_a_target,
                chat_in_an_empty_room_is_not_an_error,
                chat_is_not_kept_for_peers_that_join_later;
            rosters:
                peers_is_answered_with_the_roster,
                everybody_sees_the_others_in_seat_order,
                every_change_raises_the_version_by_one,
                requests_that_change_nothing_leave_the_version,
                news_and_roster_agree,
                a_peer_keeps_the_time_it_joined_at;
            leaving:
                a_peer_that_leaves_is_seen_to_leave_and_receives_nothing_more,
                a_peer_that_left_may_not_send,
                a_second_leave_is_not_joined,
                a_peer_that_left_may_join_again_here_or_elsewhere,
                a_closed_socket_is_seen_as_disconnected,
                a_dropped_socket_is_seen_as_disconnected,
                a_socket_dropped_within_a_frame_is_seen_as_disconnected,
                a_peer_that_leaves_and_then_closes_is_seen_to_leave_once,
                messages_sent_before_leaving_arrive_before_peer_left;
            takeover:
                a_new_connection_takes_the_seat,
                messages_go_to_the_new_connection,
                the_old_connection_cannot_speak,
                a_late_goodbye_of_the_old_connection_changes_nothing,
                a_seat_is_taken_over_again_and_again,
                a_seat_in_a_full_room_can_be_taken_over,
                the_new_page_brings_its_own_name_and_metadata,
                the_same_peer_id_in_another_room_is_another_seat;
            resume:
                a_peer_that_loses_its_connection_is_away_and_comes_back,
                what_is_sent_to_a_peer_that_is_away_waits_or_is_refused,
                a_client_gets_every_frame_after_those_that_it_counts,
                a_client_that_does_not_count_gets_what_was_never_sent,
                a_client_learns_how_many_of_its_frames_were_taken,
                the_token_before_is_good_until_the_client_was_heard,
                a_client_resumes_while_its_old_connection_still_stands,
                ten_resumes_follow_each_other_before_any_loss_is_noticed,
                of_two_pages_that_resume_at_once_one_is_told_that_it_was_replaced,
                another_page_takes_the_seat_and_what_waited_is_dropped,
                a_peer_that_does_not_come_back_in_time_leaves,
                only_so_much_waits_and_the_rest_is_refused,
                a_peer_that_leaves_is_not_away,
                in_open_mode_a_peer_that_is_away_yields_to_a_newcomer,
                a_resume_token_alone_brings_a_peer_back_where_visit_tokens_are_needed,
                a_removed_peer_cannot_resume;
            ice:
                each_client_gets_turn_credentials_of_its_own,
                turn_credentials_are_renewed_before_they_end,
                a_guest_that_is_admitted_gets_turn_credentials,
                a_client_that_resumes_gets_new_turn_credentials,
                a_token_can_demand_that_all_media_is_relayed,
                a_server_can_demand_that_all_media_is_relayed,
                credentials_that_are_set_are_the_same_for_everybody;
            fencing:
                a_client_without_a_seat_can_send_nothing,
                a_client_without_a_seat_can_ask_nothing,
                ping_needs_no_seat,
                the_server_speaks_only_when_spoken_to,
                the_error_names_a_peer_that_is_not_there,
                a_peer_in_another_room_is_not_found,
                a_peer_cannot_write_to_itself,
                requests_that_only_a_host_may_make_are_forbidden;
            errors:
                text_that_is_not_json_is_invalid_json,
                json_that_is_not_one_object_is_invalid,
                a_message_needs_a_type,
                a_type_that_the_protocol_does_not_have_is_unknown,
                a_bad_field_of_a_join_is_named,
                a_bad_recipient_is_named,
                a_field_that_the_server_reads_may_appear_only_once,
                a_bad_request_id_is_named,
                a_refusal_echoes_the_request_id,
                a_refusal_quotes_nothing_of_the_message,
                a_refused_join_leaves_the_client_free_to_join,
                junk_from_one_peer_disturbs_no_other,
                deep_nesting_harms_nobody,
                a_frame_full_of_fields_harms_nobody;
            closing:
                a_binary_frame_ends_the_connection,
                a_message_over_the_limit_ends_the_connection,
                fragments_over_the_limit_end_the_connection,
                a_header_that_announces_a_giant_frame_ends_the_connection,
                text_that_is_not_utf_8_ends_the_connection,
                a_fragment_may_end_within_a_character,
                a_frame_that_breaks_the_protocol_ends_the_connection,
                a_close_is_answered_with_a_close,
                frames_after_a_close_are_ignored,
                a_protocol_ping_is_answered_with_its_payload;
            limits:
                a_burst_passes_and_the_excess_is_refused,
                a_client_that_waits_as_told_gets_through,
                a_client_that_keeps_sending_is_closed,
                a_refusal_names_its_message_which_goes_nowhere,
                bytes_are_counted_as_well_as_messages,
                a_client_that_sent_too_many_bytes_and_waits_as_told_gets_through,
                one_peer_makes_another_receive_no_more_than_it_may_send,
                a_room_that_fills_up_at_once_is_not_a_flood,
                one_clients_excess_does_not_count_against_another,
                the_size_of_a_message_is_a_setting,
                a_full_room_admits_nobody_and_does_not_change,
                a_full_room_does_not_fill_another;
            crowding:
                the_server_accepts_connections_up_to_its_limit,
                an_address_may_open_connections_up_to_its_limit,
                a_full_server_still_serves_its_clients;
            slow:
                a_client_that_does_not_read_is_dropped_and_delays_nobody,
                a_slow_clients_room_learns_of_it_from_chat_too,
                a_client_that_reads_gets_all_of_a_flood,
                a_slow_client_may_come_back;
            liveness:
                an_idle_client_that_answers_pings_stays,
                a_client_that_never_answers_is_seen_to_go,
                a_client_that_sends_is_alive_without_answering_pings,
                a_client_that_never_joins_is_closed,
                a_client_that_sends_but_never_joins_is_closed,
                a_client_whose_join_was_refused_is_closed,
                a_client_that_has_joined_once_may_stay,
                a_dead_connection_keeps_no_living_peer_out,
                a_silent_but_living_peer_keeps_its_seat;
            strangers:
                joins_to_a_full_visit_throw_nobody_out,
                joins_to_a_full_open_room_throw_nobody_out,
                a_peer_that_keeps_rejoining_is_rate_limited,
                a_waiting_guest_cannot_flood_its_host;
            room_list:
                every_live_room_is_listed_with_its_peers,
                the_answer_echoes_the_request_id,
                a_room_counts_its_seats_as_they_come_and_go,
                an_empty_room_vanishes,
                no_name_keeps_a_room_off_the_list,
                the_services_own_rooms_are_closed_to_clients;
            handshake:
                every_websocket_path_accepts_a_handshake,
                no_other_path_accepts_a_handshake,
                a_client_that_offers_the_subprotocol_gets_it,
                with_a_list_of_origins_other_pages_are_refused,
                with_a_list_of_origins_listed_pages_and_programs_are_accepted,
                without_a_list_of_origins_any_page_is_accepted,
                a_request_without_an_upgrade_learns_what_is_missing,
                a_bad_handshake_is_refused,
                a_handshake_and_the_first_message_may_arrive_together;
            tokens:
                a_token_is_accepted_in_every_way,
                one_token_may_come_in_several_ways,
                a_token_in_the_url_triggers_the_join,
                a_bad_token_fails_the_handshake_and_says_why,
                two_different_tokens_in_a_handshake_are_refused,
                a_join_without_a_token_ends_the_connection,
                a_bad_token_in_a_join_ends_the_connection_and_says_why,
                a_join_requested_by_the_url_needs_a_token_too,
                an_earlier_good_token_does_not_excuse_a_bad_one,
                a_field_may_repeat_the_token,
                a_field_that_contradicts_the_token_is_forbidden,
                the_url_may_not_contradict_the_token_either,
                the_client_chooses_a_name_that_the_token_leaves_open,
                the_token_in_a_join_is_the_one_that_counts,
                a_peer_that_left_may_come_back_with_the_same_token,
                a_peer_needs_another_token_to_move,
                another_token_does_not_change_a_seat,
                the_same_subject_takes_its_seat_over,
                the_answer_to_the_subprotocol_omits_the_token,
                in_open_mode_a_token_means_nothing,
                a_seated_peer_renews_its_token_without_reconnecting;
            lobby:
                a_guest_waits_until_a_host_admits_it,
                a_host_learns_of_everybody_who_waits,
                a_waiting_guest_learns_when_a_host_comes_and_goes,
                a_waiting_guest_hears_nothing_and_is_in_no_roster,
                a_waiting_guest_can_send_nothing_into_the_room,
                a_waiting_guest_may_chat_with_the_host_and_nobody_else,
                a_held_guest_reads_the_hosts_message_and_keeps_its_place,
                a_denied_guest_is_told_why,
                a_removed_peer_cannot_come_back_with_any_token,
                a_peer_that_has_just_left_can_be_removed_and_sent_to_the_lobby,
                a_peer_that_was_sent_back_waits_even_with_a_later_token,
                a_backend_can_readmit_a_removed_peer,
                a_peer_that_is_sent_back_waits_again,
                a_reload_keeps_the_place_in_the_lobby,
                a_reload_keeps_the_admission,
                a_guest_that_leaves_has_to_be_admitted_again,
                a_host_that_reloads_sees_the_lobby_again,
                an_ended_visit_is_over_for_everybody,
                only_a_host_decides,
                an_observer_receives_and_is_silent,
                a_token_says_how_many_seats_there_are;
            endings:
                a_visit_warns_and_ends_by_itself,
                an_expired_token_ends_its_seat;
            http:
                the_root_names_the_service_and_the_other_paths,
                health_tells_the_truth_in_the_navbars_vocabulary,
                health_tells_the_truth_in_the_other_vocabulary,
                the_health_check_leaves_nothing_behind,
                a_full_server_is_degraded_and_not_down,
                polling_costs_one_check,
                status_is_one_sentence,
                a_load_balancer_learns_that_the_server_is_live_and_ready,
                the_page_is_served_and_fetches_nothing_from_outside,
                files_that_the_page_loads_are_served_with_their_types,
                any_other_path_is_not_found_and_gets_the_list_of_paths,
                without_a_list_of_origins_any_page_may_read,
                with_a_list_of_origins_only_listed_pages_may_read,
                a_preflight_is_answered_with_get;
            races:
                sixteen_of_sixty_four_peers_get_the_sixteen_seats,
                when_two_peers_join_at_once_exactly_one_offers,
                when_two_peers_move_to_the_last_seat_one_keeps_its_own,
                when_one_peer_id_joins_many_times_at_once_one_holds_the_seat,
                a_peer_can_be_taken_over_while_messages_fly;
            unrest:
                after_any_unrest_all_rosters_agree;
        }
    };
}

/// Turns the list into tests.
#[macro_export]
macro_rules! scenarios {
    ($runtime:ident; $($behaviour:ident: $($scenario:ident),+;)+) => {
        $(mod $behaviour {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let scenario = $crate::conformance::$behaviour::$scenario::<super::$runtime>();
                let ended = tokio::time::timeout($crate::conformance::LIMIT, scenario).await;
                ended.expect("a scenario that ends");
            })+
        })+
    };
}
