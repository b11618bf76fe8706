namespace CN2.Simulation.Tests.Contracts;

/// <summary>What a store promises, whoever keeps the rows. The simulation is worth what its rows in memory are, so both pass the same tests.</summary>
public abstract class StoreContract(StoreSite site) : IAsyncLifetime
{
    protected StoreSite Site { get; } = site;

    protected static CancellationToken Ct => StoreSite.Ct;

    /// <summary>A name that no other test has.</summary>
    protected static string Unique(string prefix) => $"{prefix}-{Guid.NewGuid():N}"[..(prefix.Length + 9)];

    protected Task PassAsync(double seconds) => Site.PassAsync(TimeSpan.FromSeconds(seconds));

    public virtual async ValueTask InitializeAsync() => await Site.EmptyAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
