using CN2.VRouter.V1;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>What an agent answers to a revision.</summary>
/// <param name="Error">Why it did not take the revision; null: it has.</param>
/// <param name="Refused">All items that are not in force.</param>
internal sealed record VRouterAnswer(ulong Revision, string? Error, IReadOnlyList<VRouterRefusal> Refused)
{
    public static readonly VRouterAnswer Nothing = new(0, null, []);

    public static VRouterAnswer Of(Applied applied) => new(
        applied.Revision, applied.Error.Length == 0 ? null : ForeignText.Of(applied.Error) ?? "the agent gives no reason", VRouterMessages.Read(applied.Refused));

    /// <summary>The other one has another error or other refusals, in whichever order.</summary>
    public bool SaysElse(VRouterAnswer other) => Error != other.Error || Refused.Count != other.Refused.Count || !Refused.ToHashSet().SetEquals(other.Refused);
}
