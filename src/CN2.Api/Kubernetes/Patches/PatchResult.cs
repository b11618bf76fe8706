using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>What became of a patch. A closed set.</summary>
public abstract record PatchResult
{
    private PatchResult()
    {
    }

    /// <summary>The object after it. It shares nothing with the arguments.</summary>
    public sealed record Done(JsonObject Object) : PatchResult;

    /// <summary>The patch cannot be applied.</summary>
    /// <param name="Reason">Decides the status code.</param>
    /// <param name="Message">For the caller: what and where.</param>
    public sealed record Refused(PatchRefusal Reason, string Message) : PatchResult;

    /// <summary>Server-side apply without force would change fields of other managers (409).</summary>
    /// <param name="Conflicts">At least one; those of one manager follow each other.</param>
    public sealed record Conflicted(IReadOnlyList<FieldConflict> Conflicts) : PatchResult
    {
        /// <summary>The message of the Status, as Kubernetes words it.</summary>
        public string Message => FieldConflict.Describe(Conflicts);
    }

    internal static Refused Malformed(string message) => new(PatchRefusal.Malformed, message);

    internal static Refused Invalid(string message) => new(PatchRefusal.Invalid, message);

    internal static Refused TooLarge(string message) => new(PatchRefusal.TooLarge, message);
}

/// <summary>Why a patch was refused.</summary>
public enum PatchRefusal
{
    /// <summary>It is no patch of its kind: 400 BadRequest.</summary>
    Malformed,

    /// <summary>It is one, and this object cannot be changed by it: 422 Invalid.</summary>
    Invalid,

    /// <summary>It asks for more than is allowed: 413 RequestEntityTooLarge.</summary>
    TooLarge,
}
