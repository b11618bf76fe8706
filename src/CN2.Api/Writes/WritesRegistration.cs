namespace CN2.Api.Writes;

public static class WritesRegistration
{
    public static IServiceCollection AddWrites(this IServiceCollection services) => services.AddSingleton<WritePipeline>();
}
