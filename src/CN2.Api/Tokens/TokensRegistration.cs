namespace CN2.Api.Tokens;

public static class TokensRegistration
{
    public static IServiceCollection AddTokens(this IServiceCollection services) => services.AddSingleton<TokenStore>();
}
