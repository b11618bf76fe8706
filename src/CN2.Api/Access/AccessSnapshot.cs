using System.Collections.Frozen;
using System.Runtime.CompilerServices;

namespace CN2.Api.Access;

/// <summary>Who may do what, as the database said at one moment. Immutable.</summary>
/// <param name="grants">What the role bindings give to each subject.</param>
/// <param name="replaced">Cancelled when another snapshot has taken the place of this one.</param>
public sealed class AccessSnapshot(FrozenDictionary<Subject, RoleGrant[]> grants, CancellationToken replaced)
{
    /// <summary>A caller that comes again is the same object, so its rights are added up once; they go with the caller or with the snapshot.</summary>
    private readonly ConditionalWeakTable<Caller, CallerRights> _known = [];

    /// <summary>Nobody may do anything.</summary>
    public static AccessSnapshot Nobody { get; } = new(FrozenDictionary<Subject, RoleGrant[]>.Empty, CancellationToken.None);

    /// <summary>Cancelled when another snapshot has taken the place of this one; by then that one is the current one.</summary>
    public CancellationToken Replaced => replaced;

    /// <summary>The sum of what the role bindings give to the caller and to its groups.</summary>
    public CallerRights RightsOf(Caller caller) => caller.Kind == CallerKind.Anonymous ? CallerRights.All : _known.GetValue(caller, Add);

    private CallerRights Add(Caller caller)
    {
        var given = new List<RoleGrant>();
        Find(caller.Kind == CallerKind.Token ? SubjectKind.Token : SubjectKind.User, caller.Name);
        foreach (var group in caller.Groups) Find(SubjectKind.Group, group);
        return CallerRights.Of(given);

        void Find(SubjectKind kind, string name)
        {
            if (grants.TryGetValue(new Subject(kind, name), out var found)) given.AddRange(found);
        }
    }
}
