namespace CN2.Api.Reconcile;

/// <summary>
/// Something that happened outside the reconciler's loop. Events are immutable; other threads post them to the <see cref="LoopInbox"/>,
/// and the loop handles them in the order of arrival (<see cref="InboxHandler"/>), but for what a later event of the same agent replaces (<see cref="WaitingEvents"/>).
/// </summary>
internal abstract record LoopEvent;
