using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// How the changes for every vRouter reach those that get changes of their own at the same time: where they are many, all of these vRouters refer to one
/// object, and a change costs no more for each further vRouter.
/// </summary>
/// <param name="SharedFrom">From so many changes on; fewer are copied, and each vRouter gets one message.</param>
/// <param name="EntryOn">vRouter, owner, key → what the vRouter has of the owner under the key now; null: nothing. Asked where the change for every vRouter is none on this one.</param>
internal sealed record CommonChanges(int SharedFrom, Func<string, Guid, NatEntryKey, VirtualRouterNatEntry?> EntryOn);
