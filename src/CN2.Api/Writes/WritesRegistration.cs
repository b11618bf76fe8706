namespace CN2.Api.Writes;

public static class WritesRegistration
{
    public static IServiceCollection AddWrites(this IServiceCollection services) => services.AddSingleton<TransactionRunner>().AddSingleton<WritePipeline>();

    /// <summary>Lets items of a decision share transactions: <see cref="GroupCommit{TItem}"/> runs them.</summary>
    public static IServiceCollection AddGroupCommit<TItem, TDecision>(this IServiceCollection services) where TDecision : class, ISharedDecision<TItem>
    {
        services.AddSingleton<ISharedDecision<TItem>, TDecision>();
        services.AddSingleton<GroupCommit<TItem>>();
        services.AddHostedService(provider => provider.GetRequiredService<GroupCommit<TItem>>());
        return services;
    }
}
