using System.Globalization;

namespace CN2.Api.Data;

/// <summary>What a database says of itself, as far as it must be as the product needs it.</summary>
/// <param name="Database">Its name.</param>
/// <param name="Version">As <c>server_version</c>, such as 15.18.</param>
/// <param name="VersionNumber">As <c>server_version_num</c>, such as 150018.</param>
/// <param name="Isolation">As <c>default_transaction_isolation</c>.</param>
/// <param name="Encoding">As <c>server_encoding</c>.</param>
/// <param name="HasTransactionPooler">Statements of one connection are carried out by several sessions of the server.</param>
internal sealed record DatabaseFacts(string Database, string Version, int VersionNumber, string Isolation, string Encoding, bool HasTransactionPooler)
{
    private const int OldestVersion = 15;

    /// <summary>A sentence for each thing that must be different.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        if (VersionNumber < OldestVersion * 10000)
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"PostgreSQL is {Version}: expected {OldestVersion} or newer."));
        if (Isolation != "read committed")
        {
            faults.Add($"default_transaction_isolation is '{Isolation}': expected 'read committed' "
                + $"(ALTER DATABASE {Database} SET default_transaction_isolation = 'read committed', and no other value for its role).");
        }

        if (Encoding != "UTF8") faults.Add($"The encoding of database {Database} is {Encoding}: expected UTF8.");
        if (HasTransactionPooler)
        {
            faults.Add("Between CN2.Api and PostgreSQL stands a connection pooler in transaction mode: expected a direct connection, or a pooler in session mode "
                + "(PgBouncer: pool_mode=session). CN2.Api has pools of its own.");
        }

        return faults;
    }
}
