using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>
/// A kind of which there are many, and of which every change of an object is in the feed, so that its objects can be held (<c>HeldObjects</c>). Of the
/// cells of its rows only the age depends on the time.
/// </summary>
internal interface IIdentifiedBinding : IObjectBinding
{
    /// <summary>The objects of <see cref="IObjectBinding.ListAsync"/> without their contents, in the same order.</summary>
    /// <param name="connection">The connection to read on.</param>
    /// <param name="range">Its selector is not looked at.</param>
    /// <param name="ct">Ends the query.</param>
    Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, ObjectRange range, CancellationToken ct);

    /// <summary>The identities of these objects, without those that no longer exist.</summary>
    Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, Guid[] uids, CancellationToken ct);
}
